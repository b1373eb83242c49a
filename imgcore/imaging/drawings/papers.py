"""What a clinic photographs flat: X-ray pictures, drawings of a last, cards, and skin close up."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from imgcore.imaging.drawings.canvases import INK, WHITE, Canvas, Colour, Placing, mix
from imgcore.imaging.drawings.curves import Point, closed, finger, oblong, opened, oval
from imgcore.imaging.drawings.feet import Skin
from imgcore.imaging.drawings.outlines import (
    BODY,
    INSOLE,
    LAST,
    LATERAL,
    LATERAL_BONES,
    LATERAL_RAYS,
    LATERAL_TARSALS,
    METATARSALS,
    TARSALS,
    TOES,
)

FILM, BONE, MARROW = (10, 14, 20), (206, 216, 222), (120, 134, 144)
BLUE: Colour = (47, 92, 160)
LESIONS = ("callus", "ulcer", "mole", "blister")


def x_ray(canvas: Canvas, side: str, chance: Random) -> None:
    """Draw the bones of a foot from above."""
    with canvas.placed(Placing(0, 2, chance.uniform(-4, 4), 1.0, mirrored=side == "L")):
        flesh = canvas.area(
            closed(BODY), *(finger(root, tip, (width * 0.9, width)) for root, tip, width in TOES)
        )
        canvas.shade(flesh, (96, 110, 122), blur=6, opacity=0.5)
        canvas.round(flesh, FILM, FILM, 18, 0.55)
        for x, y, across, down in reversed(TARSALS):
            _bone(canvas, closed(_lumpy(x, y, across, down, chance)))
        for (root, tip, width), base in zip(TOES, METATARSALS, strict=True):
            wide = width * 0.46
            ball = _on(root, tip, 0.02)
            _bone(canvas, finger(base, ball, (wide * 1.15, wide * 0.72, wide * 0.7, wide * 1.15)))
            joints = (0.1, 0.56, 0.86) if width > 25 else (0.1, 0.48, 0.7, 0.86)
            for start, end in pairwise(joints):
                part = (_on(root, tip, start), _on(root, tip, end - 0.05))
                _bone(canvas, finger(*part, (wide, wide * 0.66, wide * 0.86)))
        for x in (-29, -20):
            _bone(canvas, oval(x, -62, 3.6, 4.6))
    right, bottom = canvas.reach
    canvas.text((right - 26, -bottom + 26), side, 22, BONE)


def x_ray_from_side(canvas: Canvas, side: str, chance: Random) -> None:
    """Draw the bones of a standing foot from its side."""
    with canvas.placed(Placing(-8, 12, chance.uniform(-3, 3), mirrored=side == "L")):
        flesh = canvas.area(closed(LATERAL))
        canvas.shade(flesh, (96, 110, 122), blur=6, opacity=0.5)
        canvas.round(flesh, FILM, FILM, 22, 0.5)
        for outline in LATERAL_BONES:
            _bone(canvas, closed(outline))
        for x, y, across, down, turn in LATERAL_TARSALS:
            _bone(canvas, oval(x, y, across, down, turn))
        for start, end, width in LATERAL_RAYS:
            _bone(canvas, finger(start, end, (width, width * 0.62, width * 0.62, width)))
    right, bottom = canvas.reach
    canvas.text((right - 26, -bottom + 26), side, 22, BONE)


def last_design(canvas: Canvas, chance: Random) -> None:
    """Draw the plan of a last on squared paper."""
    sheet = canvas.area(oblong(-180, -138, 180, 116))
    canvas.shadow(sheet, 4, 5, 10, 0.4)
    canvas.fill(sheet, (250, 249, 244))
    for gap, colour in ((10, (218, 230, 240)), (50, (186, 206, 226))):
        upright = [[(x, -138), (x, 116)] for x in range(-150, 180, gap)]
        level = [[(-180, y), (180, y)] for y in range(-100, 116, gap)]
        canvas.fill(canvas.strokes([*upright, *level], 0.5), colour)
    length, girth = chance.randint(238, 274), chance.randint(222, 256)
    with canvas.placed(Placing(-102, -10, 0, 0.9)):
        _inked(canvas, closed(INSOLE))
        _inked(canvas, opened([(0, 120), (-2, 0), (-6, -122)]), 0.6)
        _inked(canvas, [(-44, -58), (43, -46)], 0.6)
    with canvas.placed(Placing(68, -4, 0, 0.74)):
        _inked(canvas, closed(LAST))
        _inked(canvas, opened([(-84, 84), (-20, 88), (50, 88), (130, 76)]), 0.6)
        _inked(canvas, [(-110, 114), (141, 114)], 0.8)
        for x in (-110, 141):
            _inked(canvas, [(x, 108), (x, 120)], 0.8)
    canvas.text((82, 97), f"{length} mm", 9, BLUE)
    canvas.text((74, -112), f"Last {chance.randint(100, 999)}, ball girth {girth} mm", 10, BLUE)
    canvas.text((74, -95), f"heel {chance.randint(12, 28)} mm, toe spring 8 mm", 8.5, BLUE)


def card(canvas: Canvas, title: str, colour: Colour, chance: Random) -> None:
    """Draw a card that is plainly none; 86 mm wide like a real one."""
    with canvas.placed(Placing(0, -2, chance.uniform(-1, 1))):
        plate = canvas.area(oblong(-43, -27, 43, 27, 3.2))
        canvas.shadow(plate, 1.4, 1.8, 3.5, 0.45)
        canvas.fill(plate, mix(colour, WHITE, 0.25))
        for step in range(4):
            wave = opened(
                [(-50, -6 + step * 9), (-15, 4 + step * 9), (15, -4 + step * 10), (50, 8 + step * 10)]
            )
            canvas.shade(canvas.stroke(wave, 5), WHITE, blur=2, opacity=0.22, inside=plate)
        band = canvas.area(oblong(-50, -40, 50, -15))
        canvas.shade(band, mix(colour, INK, 0.35), blur=0.2, inside=plate)
        canvas.round(plate, mix(colour, INK, 0.5), WHITE, 1.6, 0.4)
    canvas.text((0, -23), title, 6.4, WHITE)
    canvas.text((0, 0), "0000 00000 0", 8, mix(colour, INK, 0.75))
    canvas.text((0, 11), "SAMPLE PERSON", 4.6, mix(colour, INK, 0.75))
    canvas.text((0, 19), "drawn for the demo clinic", 3.6, mix(colour, INK, 0.6))


def lesion(canvas: Canvas, skin: Skin, chance: Random) -> None:
    """Draw skin that fills the picture, with something to look at in its middle."""
    right, bottom = canvas.reach
    whole = canvas.area(oblong(-right - 2, -bottom - 2, right + 2, bottom + 2))
    canvas.backdrop(mix(skin.tone, skin.light, 0.45), mix(skin.tone, skin.dark, 0.5))
    lean = chance.uniform(-0.5, 0.5)
    for slope, gap, opacity in ((0.24 + lean, 1.9, 0.2), (lean - 1.3, 2.6, 0.16)):
        lines = [_ridge(step * gap, slope, right, chance) for step in range(-70, 71)]
        canvas.shade(canvas.strokes(lines, 0.25), skin.dark, blur=0.35, opacity=opacity, inside=whole)
    centre = (chance.uniform(-7, 9), chance.uniform(-10, 3))
    kind = chance.choice(LESIONS)
    for outline, colour, blur, opacity in _layers(kind, centre, skin, chance):
        canvas.shade(canvas.area(outline), colour, blur=blur, opacity=opacity, inside=whole)


def _layers(
    kind: str, centre: Point, skin: Skin, chance: Random
) -> list[tuple[list[Point], Colour, float, float]]:
    """Return what a lesion is painted with, from its surroundings inwards: outline, colour, blur, opacity."""

    def around(size: float) -> list[Point]:
        return closed(_lumpy(*centre, size * 1.12, size, chance))

    size = chance.uniform(8, 13)
    redness = (around(size * 2.1), skin.rosy, 14.0, 0.6)
    if kind == "callus":
        horn = mix(skin.tone, (230, 198, 140), 0.55)
        return [
            redness,
            (around(size * 1.3), horn, 5, 0.85),
            (around(size * 0.7), mix(horn, WHITE, 0.3), 5, 0.7),
        ]
    if kind == "ulcer":
        return [
            redness,
            (around(size * 1.3), mix(skin.light, (240, 214, 170), 0.5), 3, 0.9),
            (around(size), (150, 36, 40), 1.6, 0.95),
            (around(size * 0.7), (186, 62, 56), 4, 0.8),
            (around(size * 0.28), (226, 190, 112), 2, 0.85),
        ]
    if kind == "mole":
        brown = mix(skin.dark, (58, 32, 20), 0.6)
        return [
            (around(size * 0.8), mix(skin.tone, brown, 0.6), 2, 0.8),
            (around(size * 0.45), brown, 2.5, 0.8),
        ]
    fluid = mix(skin.light, (246, 226, 196), 0.6)
    shine = oval(centre[0] - size * 0.35, centre[1] - size * 0.4, size * 0.24, size * 0.14, -30)
    return [
        redness,
        (around(size), skin.dark, 2, 0.5),
        (around(size * 0.92), fluid, 2, 0.85),
        (shine, WHITE, 1.5, 0.8),
    ]


def _ridge(height: float, slope: float, right: float, chance: Random) -> list[Point]:
    places = (-right - 2, -right / 2, 0.0, right / 2, right + 2)
    return opened([(x, height + slope * x + chance.uniform(-0.5, 0.5)) for x in places])


def _bone(canvas: Canvas, outline: list[Point]) -> None:
    area = canvas.area(outline)
    canvas.shade(area, MARROW, blur=1.2, opacity=0.8)
    canvas.round(area, BONE, BONE, 4.5, 0.8)


def _lumpy(x: float, y: float, across: float, down: float, chance: Random) -> list[Point]:
    return [
        (x + (a - x) * chance.uniform(0.92, 1.08), y + (b - y) * chance.uniform(0.92, 1.08))
        for a, b in oval(x, y, across, down)[::4]
    ]


def _inked(canvas: Canvas, line: list[Point], width: float = 1.3) -> None:
    canvas.fill(canvas.stroke(line, width), BLUE, 0.9)


def _on(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
