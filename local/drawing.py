"""A blue-and-yellow macaw of the project's own making: a sample that every clone can draw.

Splines, feathers and blur, nothing else. Each region is a closed curve that feathers cover like
tiles, those nearest to the head last; light falls from the upper left.
"""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Point = tuple[float, float]
Colour = tuple[int, int, int]

_SIZE = 1000
_FINER = 2  # drawn this much larger, then reduced: smooth edges
_STEPS = 16

_BLUE: Colour = (24, 106, 196)
_DEEP: Colour = (18, 66, 150)
_TEAL: Colour = (32, 132, 178)
_GREEN: Colour = (70, 140, 62)
_YELLOW: Colour = (246, 178, 28)
_WHITE: Colour = (240, 236, 226)
_BLACK: Colour = (30, 29, 32)

_TAIL = ((520, 690), (610, 640), (668, 720), (736, 880), (800, 1040), (716, 1060), (640, 900))
_BREAST = ((352, 330), (322, 430), (330, 560), (392, 700), (500, 770), (600, 740), (600, 420))
_BACK = ((420, 150), (520, 170), (600, 270), (660, 400), (680, 560), (640, 720), (560, 640))
_WING = ((470, 380), (560, 350), (650, 420), (690, 560), (716, 720), (770, 900), (640, 800))
_HEAD = ((318, 236), (350, 150), (440, 112), (528, 146), (566, 250), (530, 350), (410, 380))
_FACE = ((322, 216), (372, 186), (436, 204), (462, 262), (436, 330), (376, 356), (332, 320))
_BIB = ((330, 330), (380, 350), (440, 330), (450, 362), (400, 398), (350, 392))
_FOREHEAD = ((316, 226), (340, 160), (404, 122), (420, 160), (370, 186), (330, 222))
_UPPER_BEAK = ((334, 196), (282, 186), (226, 224), (204, 300), (216, 386), (250, 330), (336, 310))
_LOWER_BEAK = ((330, 300), (270, 318), (258, 350), (290, 386), (344, 366))


def draw_parrot(path: Path) -> Path:
    """Write the drawing as PNG, the same bytes each time, and return its path."""
    chance = Random(7)
    image = _leaves(chance)
    bird = Image.new("RGBA", image.size)
    _plumage(bird, _TAIL, (_DEEP, _BLUE), 66, (230, 34), chance)
    _plumage(bird, _BREAST, (_YELLOW, (232, 150, 16)), 84, (58, 26), chance)
    _plumage(bird, _BACK, (_BLUE, _TEAL), 66, (60, 30), chance)
    _plumage(bird, _WING, (_DEEP, _BLUE), 68, (190, 34), chance)
    _plumage(bird, _WING[:4] + ((560, 560),), (_BLUE, _TEAL), 70, (70, 34), chance)
    _plumage(bird, _HEAD, (_TEAL, _BLUE), 40, (34, 16), chance)
    _plumage(bird, _FOREHEAD, (_GREEN, _TEAL), 330, (22, 10), chance)
    _face(bird)
    _beak(bird)
    _light(bird)
    image.paste(bird, mask=bird)
    _perch(image, chance)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS).save(path)
    return path


def _leaves(chance: Random) -> Image.Image:
    """A forest out of focus."""
    image = Image.new("RGB", (_SIZE * _FINER,) * 2, (92, 128, 78))
    pen = ImageDraw.Draw(image)
    for _ in range(160):
        x, y, r = chance.uniform(0, 1000), chance.uniform(0, 1000), chance.uniform(30, 120)
        lit = chance.uniform(0.55, 1.25) * (1.15 - y / 2600)
        colour = tuple(round(part * lit) for part in (104, 146, 82))
        pen.ellipse(_scaled(((x - r, y - r), (x + r, y + r))), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(34 * _FINER))


def _plumage(  # noqa: PLR0913, PLR0917
    bird: Image.Image,
    outline: Sequence[Point],
    colours: tuple[Colour, Colour],
    degrees: float,
    feather: tuple[float, float],
    chance: Random,
) -> None:
    """Tile a region with feathers of (length, width) that point to `degrees`, 90 being down."""
    layer = Image.new("RGB", bird.size, colours[0])
    pen = ImageDraw.Draw(layer)
    length, width = feather
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    along = math.radians(degrees)
    spots = [
        (x + chance.uniform(-0.3, 0.3) * width, y + chance.uniform(-0.3, 0.3) * width)
        for x in range(int(min(xs) - length), int(max(xs)), max(4, int(width * 0.7)))
        for y in range(int(min(ys) - length), int(max(ys)), max(4, int(length * 0.3)))
    ]
    spots.sort(key=lambda spot: -(spot[0] * math.cos(along) + spot[1] * math.sin(along)))
    for spot in spots:
        turn = along + chance.uniform(-0.12, 0.12)
        mix = chance.random()
        colour = _mixed(*colours, mix)
        _feather(pen, spot, turn, feather, colour)
    mask = Image.new("L", bird.size)
    ImageDraw.Draw(mask).polygon(_curve(outline), fill=255)
    bird.paste(layer, mask=mask.filter(ImageFilter.GaussianBlur(2 * _FINER)))


def _feather(
    pen: ImageDraw.ImageDraw, base: Point, turn: float, size: tuple[float, float], colour: Colour
) -> None:
    length, width = size
    for grow, shade in ((1.0, 0.72), (0.93, 1.0)):
        side = [
            (t * length * grow, width * grow / 2 * math.sin(math.pi * t**1.6) ** 0.6)
            for t in (step / _STEPS for step in range(_STEPS + 1))
        ]
        around = side + [(a, -b) for a, b in reversed(side)]
        pen.polygon(_placed(around, base, turn), fill=_mixed((10, 14, 24), colour, shade))
    shaft = _placed([(0, 0), (length * 0.85, 0)], base, turn)
    pen.line(shaft, fill=_mixed(colour, (255, 255, 255), 0.16), width=_FINER)


def _face(bird: Image.Image) -> None:
    pen = ImageDraw.Draw(bird)
    pen.polygon(_curve(_BIB), fill=_BLACK)
    pen.polygon(_curve(_FACE), fill=_WHITE)
    for row in range(6):
        line = [(338 + row * 5 + 15 * t, 256 + row * 14 + 3 * math.sin(t * 2)) for t in range(7)]
        pen.line(_scaled(line), fill=(96, 92, 88), width=2 * _FINER)
    for radius, colour in ((21, (70, 66, 60)), (17, (226, 206, 120)), (9, (12, 12, 12))):
        _disc(pen, (400, 234), radius, colour)
    _disc(pen, (396, 229), 3.4, (255, 255, 255))


def _beak(bird: Image.Image) -> None:
    pen = ImageDraw.Draw(bird)
    pen.polygon(_curve(_LOWER_BEAK), fill=(22, 22, 24))
    pen.polygon(_curve(_UPPER_BEAK), fill=_BLACK)
    shine = Image.new("L", bird.size)
    ImageDraw.Draw(shine).line(
        _scaled(((320, 212), (274, 212), (240, 242), (222, 300))), fill=150, width=14 * _FINER
    )
    bird.paste((150, 150, 156), mask=shine.filter(ImageFilter.GaussianBlur(7 * _FINER)))


def _light(bird: Image.Image) -> None:
    alpha = bird.getchannel("A")
    for shift, colour, strength in ((-46, (8, 14, 40), 0.75), (34, (255, 250, 226), 0.35)):
        moved = ImageChops.offset(alpha, shift * _FINER, int(shift * 0.6) * _FINER)
        edge = ImageChops.subtract(alpha, moved.filter(ImageFilter.GaussianBlur(30 * _FINER)))
        bird.paste(colour, mask=edge.point(lambda value, by=strength: int(value * by)))
    bird.putalpha(alpha)


def _perch(image: Image.Image, chance: Random) -> None:
    pen = ImageDraw.Draw(image)
    pen.polygon(
        _curve(((-60, 800), (300, 764), (700, 716), (1060, 650), (1060, 716), (600, 790), (-60, 872))),
        fill=(104, 80, 58),
    )
    for _ in range(220):
        x = chance.uniform(0, 1000)
        y = 800 - x * 0.118 + chance.uniform(0, 56)
        tone = chance.choice(((126, 100, 74), (80, 60, 44), (140, 116, 90)))
        pen.line(_scaled(((x, y), (x + 60, y - 7))), fill=tone, width=2 * _FINER)
    for x in (446, 482, 560, 596):
        toe = ((x, 726), (x + 18, 716), (x + 30, 742), (x + 26, 796), (x + 8, 804), (x - 2, 768))
        pen.polygon(_curve(toe), fill=(62, 60, 62))


def _disc(pen: ImageDraw.ImageDraw, centre: Point, radius: float, colour: Colour) -> None:
    x, y = centre
    pen.ellipse(_scaled(((x - radius, y - radius), (x + radius, y + radius))), fill=colour)


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    r, g, b = (round(one + (two - one) * share) for one, two in zip(first, second, strict=True))
    return r, g, b


def _placed(shape: Sequence[Point], base: Point, turn: float) -> list[Point]:
    c, s = math.cos(turn), math.sin(turn)
    return _scaled([(base[0] + a * c - b * s, base[1] + a * s + b * c) for a, b in shape])


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * _FINER, y * _FINER) for x, y in points]


def _curve(points: Sequence[Point]) -> list[Point]:
    """A closed Catmull-Rom spline through the points."""
    out = []
    n = len(points)
    for i in range(n):
        a, b, c, d = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        for t in (step / _STEPS for step in range(_STEPS)):
            out.append(
                tuple(
                    b[k]
                    + 0.5 * t * (c[k] - a[k] + t * (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]
                    + t * (3 * (b[k] - c[k]) + d[k] - a[k])))
                    for k in (0, 1)
                )
            )
    return _scaled(out)
