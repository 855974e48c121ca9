"""Draws `macaw.jpg`: `python -m local.samples.draw`.

Each part of the bird is a closed curve that feathers cover like tiles; light falls from the left.
"""

from __future__ import annotations

import math
from cmath import rect
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from local.samples import MACAW

if TYPE_CHECKING:
    from collections.abc import Iterable

    Colour = tuple[int, int, int]
    Outline = tuple[tuple[int, int], ...]
    Plumage = tuple[Outline, Colour, Colour, int, int, int]

_SIZE = 1000
_QUALITY = 88
_FINER = 2  # drawn this much larger, then reduced: smooth edges
_STEPS = tuple(step / 16 for step in range(17))  # along a curve from corner to corner

_BLUE, _TEAL, _DEEP, _GREEN = (24, 106, 196), (32, 132, 178), (18, 66, 150), (70, 140, 62)
_YELLOW, _AMBER, _WHITE, _BLACK = (246, 178, 28), (232, 150, 16), (240, 236, 226), (30, 29, 32)
_HAZE, _BARK, _SHADE, _TOE = (132, 116, 84), (132, 106, 80), (40, 30, 24), (74, 70, 72)

_TAIL = ((540, 600), (610, 580), (650, 680), (700, 820), (772, 1010), (740, 1022), (650, 880))
_BREAST = ((392, 300), (366, 380), (364, 480), (400, 590), (480, 668), (570, 660), (560, 360))
_BACK = ((470, 190), (540, 210), (604, 300), (644, 420), (648, 540), (600, 640), (540, 520))
_WING = ((500, 420), (570, 380), (630, 420), (660, 520), (690, 660), (740, 830), (612, 690))
_COVERTS = ((490, 372), (560, 336), (630, 400), (656, 510), (612, 560), (534, 500))
_HEAD = ((366, 230), (384, 166), (440, 136), (500, 158), (534, 230), (516, 310), (430, 320))
_NAPE = ((452, 190), (500, 240), (506, 320), (480, 390), (430, 400), (420, 330))
_BROW = ((364, 224), (380, 172), (424, 140), (444, 160), (410, 190), (374, 214))
_BIB = ((378, 304), (412, 322), (452, 304), (468, 308), (456, 336), (424, 350), (388, 346))
_FACE = ((372, 222), (404, 194), (452, 204), (474, 248), (458, 300), (416, 326), (376, 296))
_LOWER_BEAK = ((384, 276), (330, 292), (318, 318), (344, 346), (386, 330))
_UPPER_BEAK = ((384, 202), (340, 190), (302, 214), (284, 266), (292, 336), (314, 300), (384, 286))
_SHINE = (372 + 212j, 340 + 210j, 312 + 232j, 298 + 276j)
_BRANCH = ((-60, 684), (300, 660), (700, 634), (1060, 596), (1060, 650), (600, 700), (-60, 752))
# In drawing order: outline, two colours, direction of the feathers (90 is down), length, width.
_PLUMAGE: tuple[Plumage, ...] = (
    (_TAIL, _DEEP, _BLUE, 66, 200, 26),
    (_BREAST, _YELLOW, _AMBER, 84, 44, 18),
    (_BACK, _BLUE, _TEAL, 66, 46, 22),
    (_WING, _DEEP, _BLUE, 68, 160, 28),
    (_COVERTS, _BLUE, _TEAL, 70, 56, 26),
    (_HEAD, _TEAL, _BLUE, 50, 28, 12),
    (_NAPE, _YELLOW, _AMBER, 84, 34, 14),
    (_BROW, _GREEN, _TEAL, 330, 18, 8),
)


def macaw() -> Image.Image:
    """The drawing; every call gives the same pixels."""
    chance = Random(7)
    image = Image.new("RGB", (_SIZE * _FINER,) * 2, (104, 104, 78))
    pen = ImageDraw.Draw(image)
    for _ in range(160):  # a dry forest, out of focus
        x, y, radius = chance.uniform(0, 1000), chance.uniform(0, 1000), chance.uniform(30, 120)
        lit = chance.uniform(0.55, 1.25) * (1.15 - y / 2600)
        _disc(pen, complex(x, y), radius, _mixed((0, 0, 0), _HAZE, lit))
    image = image.filter(ImageFilter.GaussianBlur(12 * _FINER))
    bird = Image.new("RGBA", image.size)
    for part in _PLUMAGE:
        soft = _mask(part[0]).filter(ImageFilter.GaussianBlur(2 * _FINER))
        bird.paste(_feathers(image.size, part, chance), mask=soft)
    _face(bird)
    _light(bird)
    image.paste(bird, mask=bird)
    _perch(image, chance)
    return image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)


def _feathers(size: tuple[int, int], part: Plumage, chance: Random) -> Image.Image:
    """Feathers for one part; those nearest to the head are drawn last, on top."""
    outline, first, second, degrees, length, width = part
    layer = Image.new("RGB", size, first)
    pen = ImageDraw.Draw(layer)
    along = math.radians(degrees)
    xs, ys = zip(*outline, strict=True)
    spots = [
        complex(x + chance.uniform(-0.3, 0.3) * width, y + chance.uniform(-0.3, 0.3) * width)
        for x in range(min(xs) - length, max(xs), max(4, int(width * 0.7)))
        for y in range(min(ys) - length, max(ys), max(4, int(length * 0.3)))
    ]
    side = [complex(t * length, width / 2 * math.sin(math.pi * t**1.6) ** 0.6) for t in _STEPS]
    feather = [*side, *(point.conjugate() for point in reversed(side))]
    for spot in sorted(spots, key=lambda spot: -(spot * rect(1, -along)).real):
        turn = rect(1, along + chance.uniform(-0.12, 0.12))
        colour = _mixed(first, second, chance.random())
        for grow, shade in ((1.0, 0.96), (0.93, 1.0)):  # a darker rim, then the feather
            placed = _pixels(spot + point * grow * turn for point in feather)
            pen.polygon(placed, fill=_mixed((10, 14, 24), colour, shade))
    return layer


def _face(bird: Image.Image) -> None:
    """Bare white skin with rows of tiny feathers, the eye, the black bib and beak."""
    pen = ImageDraw.Draw(bird)
    bird.paste(_BLACK, mask=_mask(_BIB))
    bird.paste(_WHITE, mask=_mask(_FACE))
    for row in range(5):
        for degrees in range(64 - row * 4, 150 - row * 2, 8):
            at = complex(430 - row * 4, 214 + row * 6) + rect(34 + row * 11, math.radians(degrees))
            pen.line(_pixels((at, at - 4 + 1j)), fill=(88, 84, 82), width=2 * _FINER)
    for radius, colour in ((13, (90, 84, 76)), (10.5, (222, 204, 120)), (6, (12, 12, 12))):
        _disc(pen, 426 + 234j, radius, colour)
    _disc(pen, 423.5 + 231j, 2.2, (255, 255, 255))
    bird.paste(_BLACK, mask=_mask(_LOWER_BEAK))
    bird.paste(_BLACK, mask=_mask(_UPPER_BEAK))
    shine = Image.new("L", bird.size)
    ImageDraw.Draw(shine).line(_pixels(_SHINE), fill=150, width=10 * _FINER)
    bird.paste((150, 150, 156), mask=shine.filter(ImageFilter.GaussianBlur(6 * _FINER)))


def _light(bird: Image.Image) -> None:
    """Darken the edge away from the light, brighten the one towards it."""
    alpha = bird.getchannel("A")
    for shift, colour, strength in ((-46, (8, 14, 40), 0.9), (34, (255, 250, 226), 0.35)):
        moved = ImageChops.offset(alpha, shift * _FINER, int(shift * 0.6) * _FINER)
        edge = ImageChops.subtract(alpha, moved.filter(ImageFilter.GaussianBlur(30 * _FINER)))
        bird.paste(colour, mask=edge.point([int(value * strength) for value in range(256)]))
    bird.putalpha(alpha)


def _perch(image: Image.Image, chance: Random) -> None:
    """A branch across the picture, and the toes that hold it."""
    bark = Image.new("RGB", image.size, (104, 80, 58))
    pen = ImageDraw.Draw(bark)
    for _ in range(900):
        x, down = chance.uniform(-40, 1000), chance.uniform(-40, 110)
        at, dark = complex(x, 676 - x * 0.075 + down), down / 80 + chance.gauss(0, 0.2)
        tone = _mixed(_BARK, _SHADE, min(1, max(0, dark)))
        pen.line(_pixels((at, at + 50 - 4j)), fill=tone, width=3 * _FINER)
    image.paste(bark.filter(ImageFilter.GaussianBlur(_FINER)), mask=_mask(_BRANCH))
    pen = ImageDraw.Draw(image)
    for x in (452, 476, 528, 552):
        for step in range(40):
            at = complex(x - 9 * math.sin(step * 0.085), 650 + step * 1.2)
            _disc(pen, at, 11 - step * 0.1, _mixed(_TOE, _BLACK, step / 40))


def _disc(pen: ImageDraw.ImageDraw, centre: complex, radius: float, colour: Colour) -> None:
    corner = complex(radius, radius)
    pen.ellipse(_pixels((centre - corner, centre + corner)), fill=colour)


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    r, g, b = (round(one + (two - one) * share) for one, two in zip(first, second, strict=True))
    return r, g, b


def _mask(outline: Outline) -> Image.Image:
    """The inside of a closed Catmull-Rom spline through the outline's corners."""
    corners = [complex(*corner) for corner in outline]
    curve = []
    for i, b in enumerate(corners):
        a, c, d = (corners[(i + k) % len(corners)] for k in (-1, 1, 2))
        bends = (2 * a - 5 * b + 4 * c - d, 3 * (b - c) + d - a)
        curve += [b + t / 2 * (c - a + t * (bends[0] + t * bends[1])) for t in _STEPS]
    mask = Image.new("L", (_SIZE * _FINER,) * 2)
    ImageDraw.Draw(mask).polygon(_pixels(curve), fill=255)
    return mask


def _pixels(points: Iterable[complex]) -> list[tuple[float, float]]:
    return [(point.real * _FINER, point.imag * _FINER) for point in points]


if __name__ == "__main__":
    macaw().save(MACAW, quality=_QUALITY, optimize=True, progressive=True)
