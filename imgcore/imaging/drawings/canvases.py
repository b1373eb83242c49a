"""A sheet that shapes are painted on in millimetres, with soft light from the upper left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from imgcore.imaging.drawings.curves import Point, oblong, oval

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

WHITE: Colour = (255, 255, 255)
INK: Colour = (52, 56, 60)
SHADE: Colour = (40, 40, 52)
# Shapes are drawn so many times larger and then reduced, which smooths their edges.
OVERSAMPLED = 2
# A blur is computed on so few pixels for each step of its radius that nobody sees the difference.
PIXELS_PER_BLUR = 3


@dataclass(frozen=True)
class Area:
    """What a shape covers: ``mask`` lies at ``box`` of the sheet and may reach beyond its edges."""

    box: Box
    mask: Image.Image


@dataclass(frozen=True)
class Placing:
    """Where the next shapes go: grown, turned by degrees, mirrored, and then moved by ``x`` and ``y``."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    grow: float = 1.0
    mirrored: bool = False

    def apply(self, point: Point) -> Point:
        """Return where a point of the shape lies on the sheet."""
        x, y = point[0] * self.grow, point[1] * self.grow
        cosine, sine = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        across = x * cosine - y * sine
        return self.x + (-across if self.mirrored else across), self.y + x * sine + y * cosine


class Canvas:
    """A picture in the making; its middle is the point (0, 0), x runs right and y runs down."""

    def __init__(self, size: tuple[int, int], span: float, growth: float = 1.0) -> None:
        """``span`` is how many millimetres the longer side shows; each stands for ``growth`` real ones."""
        self.scale = max(size) / span
        self.growth = growth
        self.image = Image.new("RGB", size, WHITE)
        self._placing = Placing()

    @property
    def reach(self) -> Point:
        """How far the sheet reaches to the right of its middle and below it."""
        return self.image.width / self.scale / 2, self.image.height / self.scale / 2

    @contextmanager
    def placed(self, placing: Placing) -> Iterator[None]:
        """Place all that is painted inside."""
        before, self._placing = self._placing, placing
        yield
        self._placing = before

    def backdrop(self, light: Colour, dark: Colour, floor: float | None = None) -> None:
        """Paint the whole sheet: lighter at the upper left, and below ``floor`` a table that is darker."""
        steps = range(16)
        small = Image.new("RGB", (len(steps), len(steps)))
        small.putdata([mix(light, dark, (x + y) / (2 * steps[-1])) for y in steps for x in steps])
        self.image = small.resize(self.image.size, Image.Resampling.BICUBIC)
        if floor is not None:
            right, bottom = self.reach
            table = self.area(oblong(-right - 9, floor, right + 9, bottom + 9))
            self.shade(table, dark, blur=2.5, opacity=0.7)

    def area(self, *outlines: Sequence[Point]) -> Area:
        """Return what one or several outlines cover together."""
        placed = [[self._pixel(point) for point in outline] for outline in outlines]
        box = self._around([point for outline in placed for point in outline], 1)
        mask = _blank(box)
        pen = ImageDraw.Draw(mask)
        for outline in placed:
            pen.polygon([_finer(point, box) for point in outline], fill=255)
        return Area(box, mask.reduce(OVERSAMPLED))

    def strokes(self, lines: Sequence[Sequence[Point]], width: float) -> Area:
        """Return what lines with round ends cover together."""
        pixels = max(width * self._placing.grow * self.scale, 1.0)
        placed = [[self._pixel(point) for point in line] for line in lines]
        box = self._around([point for line in placed for point in line], math.ceil(pixels / 2) + 1)
        mask, radius = _blank(box), pixels * OVERSAMPLED / 2
        pen = ImageDraw.Draw(mask)
        for line in placed:
            fine = [_finer(point, box) for point in line]
            pen.line(fine, fill=255, width=round(radius * 2), joint="curve")
            for x, y in (fine[0], fine[-1]):
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return Area(box, mask.reduce(OVERSAMPLED))

    def stroke(self, line: Sequence[Point], width: float) -> Area:
        """Return what one line covers."""
        return self.strokes([line], width)

    def fill(self, area: Area, colour: Colour, opacity: float = 1.0) -> None:
        """Paint an area evenly."""
        self.image.paste(colour, area.box, _weaker(area.mask, opacity))

    def shade(
        self, area: Area, colour: Colour, *, blur: float, opacity: float = 1.0, inside: Area | None = None
    ) -> None:
        """Paint an area with an edge that fades over about ``blur`` mm, only ``inside`` another."""
        soft = self._soft(area, blur)
        mask = _weaker(soft.mask, opacity)
        if inside is not None:
            offset = (soft.box[0] - inside.box[0], soft.box[1] - inside.box[1])
            held = inside.mask.crop((*offset, offset[0] + mask.width, offset[1] + mask.height))
            mask = ImageChops.multiply(mask, held)
        self.image.paste(colour, soft.box, mask)

    def shadow(self, area: Area, x: float, y: float, blur: float, opacity: float) -> None:
        """Paint the shadow that a shape throws on what lies behind it."""
        dx, dy = round(x * self.scale), round(y * self.scale)
        left, top, right, bottom = area.box
        moved = Area((left + dx, top + dy, right + dx, bottom + dy), area.mask)
        self.shade(moved, SHADE, blur=blur, opacity=opacity)

    def stand(self, x: float, y: float, across: float) -> None:
        """Paint the shadow under something that stands at a point, so far to either side."""
        self.shade(self.area(oval(x, y, across, 6.5)), SHADE, blur=8, opacity=0.5)

    def round(self, area: Area, dark: Colour, light: Colour, depth: float, opacity: float = 0.7) -> None:
        """Make an area look solid: dark towards the lower right edge, light towards the upper left."""
        soft = self._soft(area, depth)
        pad = area.box[0] - soft.box[0]
        shift = round(depth * self.scale * 0.45)
        for colour, way, strength in ((dark, 1, opacity), (light, -1, opacity * 0.8)):
            left = top = pad + way * shift
            near = soft.mask.crop((left, top, left + area.mask.width, top + area.mask.height))
            edge = ImageChops.multiply(area.mask, ImageChops.invert(near))
            self.image.paste(colour, area.box, _weaker(edge, strength))

    def text(self, at: Point, words: str, height: float, colour: Colour, anchor: str = "mm") -> None:
        """Write words, never mirrored or turned; ``anchor`` is Pillow's."""
        font = ImageFont.load_default(max(round(height * self.scale), 6))
        ImageDraw.Draw(self.image).text(self._pixel(at), words, fill=colour, font=font, anchor=anchor)

    def scale_bar(self, colour: Colour = INK) -> None:
        """Draw the bar of 50 mm into the lower left corner."""
        right, bottom = self.reach
        unit, part = max(right, bottom) / 200, 10 / self.growth
        left, top = -right + 14 * unit, bottom - 13 * unit
        for number in range(5):
            start = left + number * part
            piece = self.area(oblong(start, top, start + part, top + 4 * unit))
            self.fill(piece, WHITE if number % 2 else colour)
        edge = oblong(left, top, left + 5 * part, top + 4 * unit)
        self.fill(self.stroke([*edge, edge[0]], 0.8 * unit), colour)
        self.text((left, top - 3 * unit), "50 mm", 9 * unit, colour, anchor="ls")

    def _pixel(self, point: Point) -> Point:
        x, y = self._placing.apply(point)
        return self.image.width / 2 + x * self.scale, self.image.height / 2 + y * self.scale

    def _around(self, points: Sequence[Point], margin: int) -> Box:
        """Return the box of points; far outside the sheet it ends, where not even a blur comes from."""
        beyond = max(self.image.size) // 8
        edges = []
        for axis, side in enumerate(self.image.size):
            values = [point[axis] for point in points]
            start = max(math.floor(min(values)) - margin, -beyond)
            edges.append((start, max(min(math.ceil(max(values)) + margin, side + beyond), start + 1)))
        (left, right), (top, bottom) = edges
        return left, top, right, bottom

    def _soft(self, area: Area, blur: float) -> Area:
        radius = max(blur * self.scale / 2, 0.5)
        coarse = max(1, round(radius / PIXELS_PER_BLUR))
        pad = -(-math.ceil(radius * 3) // coarse) * coarse
        width, height = (-(-side // coarse) * coarse for side in area.mask.size)
        wide = Image.new("L", (width + 2 * pad, height + 2 * pad))
        wide.paste(area.mask, (pad, pad))
        small = wide.reduce(coarse).filter(ImageFilter.GaussianBlur(radius / coarse))
        left, top = area.box[0] - pad, area.box[1] - pad
        box = (left, top, left + wide.width, top + wide.height)
        return Area(box, small.resize(wide.size, Image.Resampling.BILINEAR))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the first colour with a ``share`` of the second, from 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _blank(box: Box) -> Image.Image:
    return Image.new("L", ((box[2] - box[0]) * OVERSAMPLED, (box[3] - box[1]) * OVERSAMPLED))


def _finer(point: Point, box: Box) -> Point:
    return (point[0] - box[0]) * OVERSAMPLED, (point[1] - box[1]) * OVERSAMPLED


def _weaker(mask: Image.Image, opacity: float) -> Image.Image:
    return mask if opacity >= 1 else mask.point([round(value * opacity) for value in range(256)])
