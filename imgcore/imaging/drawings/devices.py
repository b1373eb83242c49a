"""Shoes, orthoses and casts, as a clinic photographs them; a right one unless it is mirrored."""

from __future__ import annotations

from random import Random

from imgcore.imaging.drawings.canvases import INK, WHITE, Area, Canvas, Colour, Placing, mix
from imgcore.imaging.drawings.curves import Point, closed, finger, oblong, opened, oval
from imgcore.imaging.drawings.outlines import (
    BODY,
    BRACE,
    CAST,
    FLOOR,
    INSIDE,
    INSOLE,
    OUTSOLE,
    TOES,
    UPPER,
)

LEATHERS: tuple[Colour, ...] = ((74, 82, 96), (120, 82, 58), (54, 92, 110), (92, 96, 88), (126, 60, 62))
COVERS: tuple[Colour, ...] = ((72, 128, 168), (88, 148, 132), (196, 128, 92), (132, 118, 172), (84, 92, 108))
PLASTER, FOAM, CARTON, SHELL = (238, 234, 226), (232, 190, 196), (186, 150, 110), (226, 232, 236)
BLACK: Colour = (24, 26, 32)


def shoe(canvas: Canvas, chance: Random, placing: Placing) -> None:
    """Draw a laced shoe from its outer side."""
    leather = chance.choice(LEATHERS)
    with canvas.placed(placing):
        canvas.stand(15, FLOOR, 128)
        upper = canvas.area(closed(UPPER))
        _moulded(canvas, upper, leather, 14)
        opening = canvas.area(closed([(-98, -14), (-76, -12), (-56, -4), (-28, -8), (-52, 2), (-80, 0)]))
        canvas.shade(opening, mix(leather, BLACK, 0.75), blur=3, opacity=0.9, inside=upper)
        toe = canvas.area(closed([(86, 40), (104, 46), (134, 62), (141, 84), (130, 96), (82, 96), (74, 68)]))
        _patch(canvas, upper, toe, mix(leather, BLACK, 0.18))
        heel = canvas.area(closed([(-112, 20), (-92, 16), (-66, 40), (-56, 74), (-60, 97), (-112, 97)]))
        _patch(canvas, upper, heel, mix(leather, BLACK, 0.18))
        stripe = canvas.stroke(opened([(-40, 84), (-16, 52), (6, 14)]), 5)
        canvas.shade(stripe, mix(leather, WHITE, 0.55), blur=0.8, opacity=0.9, inside=upper)
        for line in (((-50, 84), (-24, 48), (-14, 2)), ((14, 20), (34, 52), (70, 74))):
            _seam(canvas, upper, opened(line), leather)
        _laces(canvas)
        sole = canvas.area(closed(OUTSOLE))
        canvas.shadow(sole, 0, -2, 4, 0.35)
        _moulded(canvas, sole, (236, 234, 228), 6)
        canvas.fill(
            canvas.stroke(opened([(-110, 101), (-40, 102), (8, 99), (60, 102), (132, 98)]), 4), (96, 98, 102)
        )


def pair(canvas: Canvas, chance: Random) -> None:
    """Draw two shoes from above."""
    leather = chance.choice(LEATHERS)
    turn = chance.uniform(-2, 5)
    for side in (-1, 1):
        with canvas.placed(Placing(side * 58, 0, turn, 1.0, mirrored=side < 0)):
            whole = canvas.area(closed([(x * 1.12, y * 1.06) for x, y in INSOLE]))
            canvas.shadow(whole, 6, 7, 12, 0.45)
            _moulded(canvas, whole, leather, 16)
            opening = canvas.area(
                closed([(0, 112), (24, 98), (26, 56), (20, 14), (-4, 0), (-24, 16), (-25, 60), (-23, 98)])
            )
            _moulded(canvas, opening, mix(leather, BLACK, 0.6), 12)
            lining = canvas.area(closed([(0, 106), (18, 94), (18, 50), (-2, 22), (-18, 50), (-17, 94)]))
            canvas.shade(lining, (214, 204, 186), blur=6, opacity=0.75)
            tongue = canvas.area(closed([(-16, 24), (14, 22), (16, -44), (0, -52), (-15, -42)]))
            canvas.shadow(tongue, 1, 2, 5, 0.4)
            _moulded(canvas, tongue, mix(leather, WHITE, 0.12), 8)
            for step in range(5):
                y = 10 - step * 12
                lace = canvas.stroke([(-21, y + 3), (0, y - 2), (20, y + 2)], 3.4)
                canvas.shadow(lace, 1, 1.5, 2, 0.4)
                canvas.fill(lace, (240, 238, 232))
            _seam(canvas, whole, opened([(-44, -64), (-22, -78), (4, -82), (28, -74), (46, -54)]), leather)


def brace(canvas: Canvas, chance: Random, placing: Placing) -> None:
    """Draw an ankle-foot orthosis from its outer side."""
    tint = mix(SHELL, chance.choice(COVERS), 0.22)
    strap = chance.choice(COVERS)
    with canvas.placed(placing):
        canvas.stand(10, FLOOR, 122)
        inner = canvas.area(closed(INSIDE))
        canvas.shade(inner, mix(tint, BLACK, 0.22), blur=2, opacity=0.75)
        shell = canvas.area(closed(BRACE))
        canvas.shadow(shell, 2, 2, 8, 0.35)
        _moulded(canvas, shell, tint, 12)
        canvas.shade(canvas.area(oval(-72, -70, 6, 54)), WHITE, blur=10, opacity=0.7, inside=shell)
        canvas.shade(canvas.area(oval(-84, 66, 8, 24, 10)), WHITE, blur=10, opacity=0.6, inside=shell)
        for height in (-6, 8, 22):
            rib = canvas.stroke(opened([(-78, height + 4), (-62, height + 8), (-46, height)]), 2.4)
            canvas.shade(rib, mix(tint, BLACK, 0.45), blur=2, opacity=0.55, inside=shell)
        _strap(canvas, strap, ((-96, -106), (-70, -100), (-30, -98), (-4, -106)), 22)
        _strap(canvas, strap, ((-76, 44), (-46, 30), (-14, 12), (6, -4)), 20)
        for x, y in ((-86, -103), (-66, 39)):
            rivet = canvas.area(oval(x, y, 4, 4))
            _moulded(canvas, rivet, (196, 200, 204), 3)


def cast(canvas: Canvas, chance: Random, placing: Placing) -> None:
    """Draw the plaster model of a foot, or a bandage that has set."""
    plaster = chance.choice((PLASTER, PLASTER, (206, 222, 232), (214, 228, 214)))
    with canvas.placed(placing):
        canvas.stand(14, FLOOR, 122)
        whole = canvas.area(closed(CAST))
        _moulded(canvas, whole, plaster, 24)
        for step in range(13):
            height = -104 + step * 17 + chance.uniform(-3, 3)
            lift = chance.uniform(6, 16)
            wrap = opened(
                [(-112, height), (-50, height + lift), (20, height + lift * 0.5), (140, height - lift)]
            )
            canvas.shade(
                canvas.stroke(wrap, 1.6), mix(plaster, BLACK, 0.4), blur=2, opacity=0.3, inside=whole
            )
        for _each in range(26):
            spot = oval(
                chance.uniform(-95, 120),
                chance.uniform(-110, 100),
                chance.uniform(1, 3),
                chance.uniform(1, 2),
            )
            canvas.shade(canvas.area(spot), mix(plaster, BLACK, 0.35), blur=1.5, opacity=0.3, inside=whole)
        rim = canvas.area(oval(-39, -123, 46, 10, 1))
        _moulded(canvas, rim, mix(plaster, WHITE, 0.5), 6)
        hollow = canvas.area(oval(-39, -122, 36, 6.5, 1))
        canvas.shade(hollow, mix(plaster, BLACK, 0.4), blur=4, opacity=0.6)


def insoles(canvas: Canvas, chance: Random) -> None:
    """Draw a pair of custom-made foot orthoses from above."""
    cover = chance.choice(COVERS)
    for side in (-1, 1):
        with canvas.placed(Placing(side * 60, 0, 4.0, 0.98, mirrored=side < 0)):
            whole = canvas.area(closed(INSOLE))
            canvas.shadow(whole, 5, 6, 10, 0.45)
            canvas.fill(whole, mix(cover, BLACK, 0.35))
            top = canvas.area(closed([(x * 0.95, y * 0.975 - 1) for x, y in INSOLE]))
            _moulded(canvas, top, cover, 12)
            cup = canvas.area(oval(0, 90, 20, 22))
            canvas.shade(cup, mix(cover, BLACK, 0.5), blur=16, opacity=0.6, inside=top)
            arch = canvas.area(oval(-26, 22, 10, 44, -4))
            canvas.shade(arch, mix(cover, WHITE, 0.6), blur=14, opacity=0.7, inside=top)
            dome = canvas.area(oval(0, -34, 12, 16))
            canvas.shade(dome, mix(cover, WHITE, 0.5), blur=8, opacity=0.7, inside=top)
            edge = opened([(-42, -52), (-14, -66), (16, -62), (40, -44)])
            _seam(canvas, top, edge, cover)


def foam_box(canvas: Canvas, chance: Random) -> None:
    """Draw a box of foam that both feet were pressed into."""
    foam = mix(FOAM, (188, 216, 196), chance.choice((0.0, 0.0, 1.0)))
    lid = canvas.area(oblong(-166, -140, 166, 118, 5))
    canvas.shadow(lid, 6, 7, 12, 0.45)
    _moulded(canvas, lid, CARTON, 6)
    for side in (-1, 1):
        left = -158 if side < 0 else 4
        well = canvas.area(oblong(left, -132, left + 154, 110, 3))
        _moulded(canvas, well, foam, 5)
        with canvas.placed(Placing(side * 81, -10, chance.uniform(1, 4), 0.9, mirrored=side < 0)):
            toes = [finger(root, tip, (width * 0.9, width * 0.9, width)) for root, tip, width in TOES]
            print_ = canvas.area(closed(BODY), *toes)
            deep = mix(foam, (90, 44, 56), 0.42)
            canvas.fill(print_, mix(foam, deep, 0.45))
            canvas.round(print_, WHITE, deep, 12, 0.75)
            for x, y, across, down in ((0, 92, 20, 22), (-22, -60, 16, 18), (18, -52, 20, 16)):
                canvas.shade(canvas.area(oval(x, y, across, down)), deep, blur=14, opacity=0.6, inside=print_)


def _moulded(canvas: Canvas, area: Area, colour: Colour, depth: float) -> None:
    canvas.fill(area, colour)
    canvas.round(area, mix(colour, BLACK, 0.55), mix(colour, WHITE, 0.55), depth)


def _patch(canvas: Canvas, whole: Area, part: Area, colour: Colour) -> None:
    canvas.shade(part, colour, blur=0.8, opacity=0.75, inside=whole)


def _seam(canvas: Canvas, whole: Area, line: list[Point], colour: Colour) -> None:
    canvas.shade(canvas.stroke(line, 1.6), mix(colour, BLACK, 0.6), blur=1.2, opacity=0.6, inside=whole)
    moved = [(x + 2, y) for x, y in line]
    canvas.shade(canvas.stroke(moved, 0.8), mix(colour, WHITE, 0.5), blur=0.8, opacity=0.5, inside=whole)


def _laces(canvas: Canvas) -> None:
    for step in range(5):
        x, y = 0 + step * 12.5, 0 + step * 9.5
        lace = canvas.stroke([(x - 13, y + 9), (x, y - 2), (x + 9, y - 12)], 3.6)
        canvas.shadow(lace, 1, 1.5, 2, 0.4)
        canvas.fill(lace, (240, 238, 232))
        canvas.fill(canvas.area(oval(x - 13, y + 10, 2.2, 2.2)), INK)


def _strap(canvas: Canvas, colour: Colour, line: tuple[Point, ...], width: float) -> None:
    middle = opened(line)
    upper, lower = [(x, y - width / 2) for x, y in middle], [(x, y + width / 2) for x, y in reversed(middle)]
    band = canvas.area([*upper, *lower])
    canvas.shadow(band, 2, 2, 5, 0.35)
    _moulded(canvas, band, colour, 6)
