"""The pictures that can be drawn, each with its background and how much of the world it shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from imgcore.imaging.drawings import devices, feet, papers
from imgcore.imaging.drawings.canvases import INK, WHITE, Canvas, Colour, Placing, mix
from imgcore.imaging.drawings.curves import Point, oblong
from imgcore.imaging.drawings.feet import Foot
from imgcore.imaging.drawings.outlines import FLOOR
from imgcore.imaging.drawings.papers import BLUE, BONE, FILM

WIDE, CLOSE = 400.0, 130.0
# An upright picture is taken from so much nearer.
NEARER = 0.85
# How far below its middle a landscape picture ends.
LOWER_EDGE = 150.0
# How far below its edge at the wall a foot stands on the table.
EDGE = 10.0
PASTELS: tuple[tuple[Colour, Colour], ...] = (
    ((242, 238, 230), (216, 210, 197)),
    ((234, 240, 242), (203, 215, 220)),
    ((229, 234, 243), (200, 208, 225)),
    ((228, 236, 231), (196, 209, 203)),
    ((242, 235, 234), (217, 206, 206)),
)
# What is measured, and the two lines that lead there from the foot.
LENGTH_LINES = (((74, -126), (74, 125)), ((-2, -126), (80, -126)), ((0, 125), (80, 125)))
WIDTH_LINES = (((-46, -20), (45, -20)), ((-46, -62), (-46, -14)), ((45, -36), (45, -14)))
CARDS = {"pension_card": ("PENSION CARD", (86, 116, 176)), "medicare_card": ("MEDICARE CARD", (84, 156, 120))}


@dataclass(frozen=True)
class Scene:
    """What is drawn on which sheet; ``drop`` is how much lower things stand in an upright picture."""

    canvas: Canvas
    foot: Foot
    drop: float

    @property
    def chance(self) -> Random:
        """What differs from picture to picture."""
        return self.foot.chance

    def standing(self) -> Placing:
        """Return the place of something that stands on the table, on the side it belongs to."""
        return Placing(0, self.drop, mirrored=self.foot.side == "L")


@dataclass(frozen=True)
class Motif:
    """One kind of picture; ``span`` is how many millimetres its longer side shows.

    What ``grows`` with the patient's foot is drawn in the same size, and the scale bar tells.
    """

    paint: Callable[[Scene], None]
    span: float = WIDE
    grows: bool = True
    stands: bool = False
    dark: bool = False


def paint(name: str, size: tuple[int, int], foot: Foot, growth: float) -> Canvas:
    """Draw a motif with its background and scale bar."""
    motif = MOTIFS[name]
    span = motif.span * (NEARER if size[1] > size[0] else 1.0)
    canvas = Canvas(size, span, growth if motif.grows else 1.0)
    drop = canvas.reach[1] - LOWER_EDGE
    light, dark = (mix(FILM, WHITE, 0.1), FILM) if motif.dark else foot.chance.choice(PASTELS)
    canvas.backdrop(light, dark, FLOOR - EDGE + drop if motif.stands else None)
    motif.paint(Scene(canvas, foot, drop))
    canvas.scale_bar(BONE if motif.dark else INK)
    return canvas


def _seen_from(
    draw: Callable[[Canvas, Foot, Placing], None], sway: float, *, lies: bool
) -> Callable[[Scene], None]:
    def painted(scene: Scene) -> None:
        draw(scene.canvas, scene.foot, scene.foot.placing(y=-4.0 if lies else scene.drop, sway=sway))

    return painted


def _both(draw: Callable[[Canvas, Foot, Placing], None], order: str) -> Callable[[Scene], None]:
    """Draw both feet; ``order`` names the one that is seen on the left first."""

    def painted(scene: Scene) -> None:
        for side, x in zip(order, (-66, 66), strict=True):
            foot = Foot(scene.foot.skin, side, scene.chance)
            draw(scene.canvas, foot, foot.placing(x, scene.drop, sway=2))

    return painted


def _measured(lines: tuple[tuple[Point, Point], ...]) -> Callable[[Scene], None]:
    """Draw a foot on a board with a rule, and the length or width that is read off."""

    def painted(scene: Scene) -> None:
        canvas, placing = scene.canvas, Placing(0, -8, mirrored=scene.foot.side == "L")
        _board(canvas)
        feet.dorsal(canvas, scene.foot, placing)
        start, end = lines[0]
        with canvas.placed(placing):
            _dimension(canvas, *lines)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        _label(canvas, placing.apply(middle), f"{math.dist(start, end) * canvas.growth:.0f} mm")

    return painted


def _board(canvas: Canvas) -> None:
    board = canvas.area(oblong(-132, -146, 132, 128, 6))
    canvas.shadow(board, 5, 6, 10, 0.35)
    canvas.fill(board, (246, 247, 246))
    canvas.round(board, (150, 158, 166), WHITE, 5, 0.5)
    unit = 5 / canvas.growth
    for every, long, width in ((1, 5, 0.4), (2, 8, 0.5), (10, 13, 0.9)):
        ups = [117 - step * unit for step in range(0, int(250 / unit), every)]
        alongs = [-100 + step * unit for step in range(0, int(226 / unit), every)]
        ticks = [[(-128, y), (-128 + long, y)] for y in ups] + [[(x, 124), (x, 124 - long)] for x in alongs]
        canvas.fill(canvas.strokes(ticks, width), INK, 0.75)
    for number in range(10, int(250 / unit), 10):
        canvas.text((-106, 117 - number * unit), str(number * 5), 6.5, INK)


def _label(canvas: Canvas, at: Point, words: str) -> None:
    x, y = at
    plate = canvas.area(oblong(x - 23, y - 9, x + 23, y + 9, 4))
    canvas.shadow(plate, 0.8, 1, 3, 0.3)
    canvas.fill(plate, WHITE)
    canvas.text(at, words, 11, BLUE)


def _dimension(canvas: Canvas, line: tuple[Point, Point], *helpers: tuple[Point, Point]) -> None:
    """Draw a line with an arrow head at both ends, and thin lines that lead to it."""
    canvas.fill(canvas.strokes(helpers, 0.5), BLUE, 0.7)
    canvas.fill(canvas.stroke(line, 1.1), BLUE)
    length = math.dist(*line)
    for tip, other in (line, line[::-1]):
        x, y = (other[0] - tip[0]) / length, (other[1] - tip[1]) / length
        back = (tip[0] + 7 * x, tip[1] + 7 * y)
        sides = [(back[0] + way * y, back[1] - way * x) for way in (2.6, -2.6)]
        canvas.fill(canvas.area([tip, *sides]), BLUE)


def _card(name: str) -> Callable[[Scene], None]:
    return lambda scene: papers.card(scene.canvas, *CARDS[name], scene.chance)


MOTIFS: dict[str, Motif] = {
    "from_above": Motif(_seen_from(feet.dorsal, 7, lies=True)),
    "from_below": Motif(_seen_from(feet.plantar, 7, lies=True)),
    "anterior": Motif(_seen_from(feet.anterior, 1.5, lies=False), stands=True),
    "anterior_both": Motif(_both(feet.anterior, "RL"), stands=True),
    "posterior": Motif(_seen_from(feet.posterior, 1.5, lies=False), stands=True),
    "posterior_both": Motif(_both(feet.posterior, "LR"), stands=True),
    "lateral": Motif(_seen_from(feet.lateral, 0.5, lies=False), stands=True),
    "foot_length": Motif(_measured(LENGTH_LINES)),
    "foot_width": Motif(_measured(WIDTH_LINES)),
    "cast": Motif(lambda scene: devices.cast(scene.canvas, scene.chance, scene.standing()), stands=True),
    "shoe": Motif(lambda scene: devices.shoe(scene.canvas, scene.chance, scene.standing()), stands=True),
    "shoes": Motif(lambda scene: devices.pair(scene.canvas, scene.chance)),
    "brace": Motif(lambda scene: devices.brace(scene.canvas, scene.chance, scene.standing()), stands=True),
    "insoles": Motif(lambda scene: devices.insoles(scene.canvas, scene.chance)),
    "foam_box": Motif(lambda scene: devices.foam_box(scene.canvas, scene.chance)),
    "x_ray": Motif(lambda scene: papers.x_ray(scene.canvas, scene.foot.side, scene.chance), dark=True),
    "x_ray_from_side": Motif(
        lambda scene: papers.x_ray_from_side(scene.canvas, scene.foot.side, scene.chance), dark=True
    ),
    "last_design": Motif(lambda scene: papers.last_design(scene.canvas, scene.chance)),
    "pension_card": Motif(_card("pension_card"), span=CLOSE, grows=False),
    "medicare_card": Motif(_card("medicare_card"), span=CLOSE, grows=False),
    "skin": Motif(
        lambda scene: papers.lesion(scene.canvas, scene.foot.skin, scene.chance), span=CLOSE, grows=False
    ),
}
