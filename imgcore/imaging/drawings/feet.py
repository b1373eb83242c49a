"""Feet as a clinic photographs them: from above, below, in front, behind and the side.

Every shape is that of a right foot, 250 mm long; a left one is its mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from imgcore.imaging.drawings.canvases import WHITE, Area, Canvas, Colour, Placing, mix
from imgcore.imaging.drawings.curves import Point, closed, finger, opened, oval
from imgcore.imaging.drawings.outlines import ANTERIOR, BODY, FLOOR, LATERAL, POSTERIOR, TOES

TONES: dict[str, Colour] = {
    "pale": (238, 204, 184),
    "fair": (222, 178, 150),
    "olive": (202, 156, 118),
    "tan": (178, 126, 90),
    "brown": (140, 94, 66),
    "deep": (98, 65, 49),
}


@dataclass(frozen=True)
class Skin:
    """The colours of one person's skin."""

    tone: Colour

    @property
    def dark(self) -> Colour:
        """The tone in the shade."""
        return mix(self.tone, (62, 22, 14), 0.42)

    @property
    def light(self) -> Colour:
        """The tone in the light."""
        return mix(self.tone, (255, 244, 232), 0.38)

    @property
    def rosy(self) -> Colour:
        """The tone where the skin bears weight."""
        return mix(self.tone, (206, 92, 78), 0.34)

    @property
    def nail(self) -> Colour:
        """The tone of a nail."""
        return mix(self.tone, (255, 226, 214), 0.55)

    @property
    def sole(self) -> Skin:
        """The skin of the sole, which is paler the darker the person is."""
        darkness = 1 - sum(self.tone) / 765
        return Skin(mix(self.tone, (232, 184, 158), min(0.2 + darkness * 0.8, 0.75)))


@dataclass(frozen=True)
class Foot:
    """One foot: its skin, its side, and chance for what differs from picture to picture."""

    skin: Skin
    side: str
    chance: Random

    def placing(self, x: float = 0.0, y: float = 0.0, sway: float = 4.0) -> Placing:
        """Return where the foot goes, turned a little by chance."""
        turn = self.chance.uniform(-sway, sway)
        return Placing(x, y, turn, mirrored=self.side == "L")


def dorsal(canvas: Canvas, foot: Foot, placing: Placing) -> None:
    """Draw a foot from above."""
    skin, toes = foot.skin, _toes(foot.chance)
    with canvas.placed(placing):
        whole = canvas.area(closed(BODY), *(finger(root, tip, _bulging(width)) for root, tip, width in toes))
        canvas.shadow(whole, 5, 6, 12, 0.35)
        _solid(canvas, whole, skin, 15)
        for x, y, across, down in ((-10, 20, 15, 70), (-22, -74, 9, 12), (8, -60, 18, 16)):
            _glow(canvas, whole, oval(x, y, across, down), skin.light, 0.3)
        for root, tip, _width in toes[1:]:
            _gap(canvas, whole, [root, _towards(root, tip, 0.4)], skin.dark, 0.25)
        _gaps(canvas, whole, toes, skin.dark)
        for root, tip, width in toes:
            _knuckle(canvas, whole, root, tip, width, skin)
            _nail(canvas, root, tip, width, skin)


def plantar(canvas: Canvas, foot: Foot, placing: Placing) -> None:
    """Draw a foot from below; the mirror image of the view from above, so the sides change."""
    skin, toes = foot.skin.sole, _toes(foot.chance)
    seen = Placing(placing.x, placing.y, placing.turn, placing.grow, not placing.mirrored)
    with canvas.placed(seen):
        whole = canvas.area(closed(BODY), *(finger(root, tip, _bulging(width)) for root, tip, width in toes))
        canvas.shadow(whole, 5, 6, 12, 0.35)
        _solid(canvas, whole, skin, 13)
        pads = [oval(-24, -62, 17, 19), oval(22, -50, 21, 17, 25), oval(0, 96, 23, 24), oval(33, 0, 7, 40, 5)]
        for pad in pads:
            _glow(canvas, whole, pad, skin.rosy, 0.75, 9)
        arch = oval(-24, 12, 13, 46, -8)
        _glow(canvas, whole, arch, skin.dark, 0.3 + foot.chance.uniform(0, 0.12), 14)
        _gap(canvas, whole, opened([(-40, -79), (-22, -86), (-4, -84), (14, -79), (36, -64)]), skin.dark, 0.5)
        _gap(canvas, whole, opened([(-14, -40), (-12, 0), (-6, 40)]), skin.dark, 0.3)
        _gap(canvas, whole, opened([(2, -34), (4, 0), (4, 30)]), skin.dark, 0.16)
        _gaps(canvas, whole, toes, skin.dark)
        for _root, tip, width in toes:
            middle = (tip[0], tip[1] + width * 0.62)
            _glow(canvas, whole, oval(*middle, width * 0.36, width * 0.44), skin.rosy, 0.8, 4)
            _glow(
                canvas,
                whole,
                oval(middle[0] - 2, middle[1] - 2, width * 0.16, width * 0.2),
                skin.light,
                0.5,
                4,
            )


def anterior(canvas: Canvas, foot: Foot, placing: Placing) -> None:
    """Draw a standing foot and shin from in front."""
    skin = foot.skin
    with canvas.placed(placing):
        canvas.stand(4, FLOOR, 60)
        whole = canvas.area(closed(ANTERIOR))
        _solid(canvas, whole, skin, 22)
        _glow(canvas, whole, oval(-6, -110, 7, 90), skin.light, 0.4, 14)
        for x, y in ((-33, 4), (33, 14)):
            _glow(canvas, whole, oval(x, y, 8, 10), skin.light, 0.45, 8)
            _gap(canvas, whole, opened([(x * 0.7, y + 16), (x, y + 19), (x * 1.2, y + 12)]), skin.dark, 0.3)
        _glow(canvas, whole, oval(-8, 52, 12, 34), skin.light, 0.45, 14)
        for number, (x, across, down) in enumerate(
            ((37, 10, 12), (20, 11, 14), (3, 12, 16), (-14, 12, 17), (-38, 17, 19))
        ):
            toe = canvas.area(oval(x * 1.06 + 2, FLOOR - down + 1, across, down))
            canvas.shadow(toe, -0.5, -3.5, 5, 0.25)
            _solid(canvas, toe, skin, 9)
            _glow(
                canvas,
                toe,
                oval(x * 1.06 + 1, FLOOR - down * 1.4, across * 0.5, down * 0.35),
                skin.light,
                0.5,
                6,
            )
            nail = canvas.area(
                oval(x * 1.06 + 2, FLOOR - down * 0.72, across * 0.52, down * (0.34 if number < 4 else 0.38))
            )
            canvas.fill(nail, skin.nail, 0.85)
            canvas.round(nail, skin.dark, WHITE, 3, 0.35)


def posterior(canvas: Canvas, foot: Foot, placing: Placing) -> None:
    """Draw a standing heel and calf from behind; a right foot shows its outer side on the right."""
    skin = foot.skin
    with canvas.placed(placing):
        canvas.stand(4, FLOOR, 46)
        for x, down in ((54, 8), (43, 11)):
            toe = canvas.area(oval(x, FLOOR - down, 11, down))
            _solid(canvas, toe, skin, 8)
        fore = canvas.area(
            closed([(10, 60), (36, 66), (52, 90), (46, 103), (0, 103), (-36, 102), (-38, 84), (-24, 60)])
        )
        _solid(canvas, fore, skin, 10)
        whole = canvas.area(closed(POSTERIOR))
        canvas.shadow(whole, 1, 0, 5, 0.25)
        _solid(canvas, whole, skin, 22)
        _glow(canvas, whole, oval(-22, -118, 15, 56, 6), skin.light, 0.35, 18)
        _glow(canvas, whole, oval(24, -112, 15, 52, -6), skin.light, 0.25, 18)
        _gap(canvas, whole, opened([(0, -190), (1, -120), (2, -70)]), skin.dark, 0.22)
        for x in (-13, 13):
            _gap(
                canvas,
                whole,
                opened([(x * 1.5, -50), (x, -10), (x * 0.9, 20), (x * 1.3, 48)]),
                skin.dark,
                0.38,
            )
        _glow(canvas, whole, oval(-2, 4, 6, 46), skin.light, 0.4, 8)
        for x, y in ((-31, 13), (32, 20)):
            _glow(canvas, whole, oval(x, y, 7, 9), skin.light, 0.4, 7)
        _glow(canvas, whole, oval(0, 88, 24, 13), skin.rosy, 0.6, 14)
        _gap(canvas, whole, opened([(-26, 62), (-8, 67), (10, 67), (27, 61)]), skin.dark, 0.2)


def lateral(canvas: Canvas, foot: Foot, placing: Placing) -> None:
    """Draw a standing foot from its outer side; the toes of a right one point right."""
    skin = foot.skin
    with canvas.placed(placing):
        canvas.stand(18, FLOOR, 122)
        whole = canvas.area(closed(LATERAL))
        _solid(canvas, whole, skin, 20)
        _glow(canvas, whole, oval(-46, -110, 18, 70), skin.light, 0.3, 20)
        _glow(canvas, whole, oval(-44, 28, 13, 15), skin.light, 0.55, 10)
        _gap(canvas, whole, opened([(-58, 38), (-48, 48), (-34, 44), (-28, 32)]), skin.dark, 0.42)
        _gap(canvas, whole, opened([(-72, -30), (-66, 10), (-70, 36)]), skin.dark, 0.3)
        _glow(canvas, whole, oval(40, 44, 46, 9, 30), skin.light, 0.3, 12)
        for line in (((0, 36), (50, 60), (92, 78)), ((4, 22), (60, 48), (104, 70))):
            _gap(canvas, whole, opened(line), skin.dark, 0.15)
        _glow(canvas, whole, oval(-84, 90, 18, 10), skin.rosy, 0.6, 10)
        _glow(canvas, whole, oval(76, 96, 20, 6), skin.rosy, 0.5, 8)
        for x, across, down in ((134, 15, 15), (121, 14, 14), (108, 13, 13), (95, 12, 12), (81, 12, 11)):
            toe = canvas.area(oval(x, FLOOR - down, across, down, 8))
            canvas.shadow(toe, 1.5, -1, 4, 0.28)
            _solid(canvas, toe, skin, 8)
            nail = canvas.area(oval(x + across * 0.45, FLOOR - down * 1.35, across * 0.36, down * 0.26, 38))
            canvas.fill(nail, skin.nail, 0.8)


def _solid(canvas: Canvas, area: Area, skin: Skin, depth: float) -> None:
    canvas.fill(area, skin.tone)
    canvas.round(area, skin.dark, skin.light, depth)


def _glow(
    canvas: Canvas, whole: Area, outline: list[Point], colour: Colour, opacity: float, blur: float = 12
) -> None:
    canvas.shade(canvas.area(outline), colour, blur=blur, opacity=opacity, inside=whole)


def _gap(canvas: Canvas, whole: Area, line: list[Point], colour: Colour, opacity: float) -> None:
    canvas.shade(canvas.stroke(line, 2.2), colour, blur=2.4, opacity=opacity, inside=whole)


def _gaps(canvas: Canvas, whole: Area, toes: list[tuple[Point, Point, float]], colour: Colour) -> None:
    """Darken where one toe meets the next."""
    for (root, tip, width), (next_root, next_tip, next_width) in pairwise(toes):
        start, end = _edge(root, width, 1), _edge(next_root, next_width, -1)
        bottom = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 10)
        near, far = _edge(tip, width, 1), _edge(next_tip, next_width, -1)
        top = ((near[0] + far[0]) / 2, max(near[1], far[1]) + 6)
        canvas.shade(canvas.stroke([bottom, top], 2.4), colour, blur=2.6, opacity=0.7, inside=whole)


def _knuckle(canvas: Canvas, whole: Area, root: Point, tip: Point, width: float, skin: Skin) -> None:
    middle = _towards(root, tip, 0.55)
    _glow(canvas, whole, oval(*middle, width * 0.26, width * 0.34), skin.light, 0.4, 6)
    for share in (0.5, 0.58):
        x, y = _towards(root, tip, share)
        _gap(
            canvas, whole, opened([(x - width * 0.24, y), (x, y - 1), (x + width * 0.24, y)]), skin.dark, 0.22
        )


def _nail(canvas: Canvas, root: Point, tip: Point, width: float, skin: Skin) -> None:
    middle = (tip[0] + (root[0] - tip[0]) * 0.02, tip[1] + width * 0.38)
    outline = oval(*middle, width * 0.27, width * 0.29)
    canvas.shade(
        canvas.area(oval(middle[0], middle[1] + 0.8, width * 0.31, width * 0.33)),
        skin.dark,
        blur=2,
        opacity=0.45,
    )
    nail = canvas.area(outline)
    canvas.fill(nail, skin.nail)
    canvas.round(nail, skin.dark, WHITE, 3, 0.35)


def _toes(chance: Random) -> list[tuple[Point, Point, float]]:
    """Return the toes, each a little different; the big one leans towards the others by chance."""
    lean = chance.uniform(-1, 7)
    toes = []
    for number, (root, tip, width) in enumerate(TOES):
        shift = lean if number == 0 else chance.uniform(-1, 1)
        stretch = chance.uniform(-3, 2)
        toes.append((root, (tip[0] + shift, tip[1] - stretch), width * chance.uniform(0.97, 1.03)))
    return toes


def _bulging(width: float) -> tuple[float, ...]:
    return (width * 0.92, width * 0.84, width * 0.82, width * 0.9, width)


def _edge(point: Point, width: float, side: int) -> Point:
    return point[0] + side * width / 2, point[1]


def _towards(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
