"""Outlines of the shapes that pictures are drawn from; lengths are millimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
STEPS = 10


def closed(points: Sequence[Point]) -> list[Point]:
    """Return a smooth outline through points and back to the first (a Catmull-Rom spline)."""
    return _through([points[-1], *points, points[0], points[1]])


def opened(points: Sequence[Point]) -> list[Point]:
    """Return a smooth line through points."""
    return [*_through([points[0], *points, points[-1]]), points[-1]]


def oval(x: float, y: float, across: float, down: float, turn: float = 0.0) -> list[Point]:
    """Return an ellipse by its middle and half its width and height, turned by degrees."""
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    angles = [step * math.tau / 48 for step in range(48)]
    round_ = [(across * math.cos(angle), down * math.sin(angle)) for angle in angles]
    return [(x + a * cosine - b * sine, y + a * sine + b * cosine) for a, b in round_]


def oblong(left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> list[Point]:
    """Return a rectangle, with round corners of a radius."""
    if not corner:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    middles = ((right, top, -1, 1), (right, bottom, -1, -1), (left, bottom, 1, -1), (left, top, 1, 1))
    return [
        (x + sx * corner + corner * math.cos(angle), y + sy * corner + corner * math.sin(angle))
        for quarter, (x, y, sx, sy) in enumerate(middles)
        for angle in (math.radians(90 * quarter - 90 + step * 15) for step in range(7))
    ]


def finger(start: Point, end: Point, widths: Sequence[float]) -> list[Point]:
    """Return a limb from ``start`` to a round tip at ``end``; widths are spread along it."""
    length = math.dist(start, end)
    ahead = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    radius = widths[-1] / 2
    places = [(length - radius) * step / (len(widths) - 1) for step in range(len(widths))]
    sides = [(at, width / 2) for at, width in zip(places, widths, strict=True)]
    angles = [math.radians(angle) for angle in (60, 30, 0, -30, -60)]
    tip = [(length - radius + radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]
    outline = [*sides, *tip, *((at, -width) for at, width in reversed(sides))]
    return closed(
        [
            (start[0] + ahead[0] * along - ahead[1] * aside, start[1] + ahead[1] * along + ahead[0] * aside)
            for along, aside in outline
        ]
    )


def _through(points: Sequence[Point]) -> list[Point]:
    line: list[Point] = []
    for before, start, end, after in zip(points, points[1:], points[2:], points[3:], strict=False):
        for step in range(STEPS):
            t = step / STEPS
            line.append(
                (
                    _between(before[0], start[0], end[0], after[0], t),
                    _between(before[1], start[1], end[1], after[1], t),
                )
            )
    return line


def _between(before: float, start: float, end: float, after: float, t: float) -> float:
    curve = 2 * before - 5 * start + 4 * end - after
    return start + ((end - before) + (curve + (3 * (start - end) + after - before) * t) * t) * t / 2
