"""Photos as phones take them: small in the frame, behind bars, in the dark.

Each stress is a seeded change of a labelled photo: the same photo, stress and background give the
same bytes. Everything starts from a short side of at most 256 px, so that a stressed photo's
sharpness says nothing about its group. A photo's backgrounds come from its own fold
(`backgrounds`), so that training and test share neither photos nor backgrounds. Where a stress
pastes the photo into a frame, that is known.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from models.data.labelled_photos import Group, LabelledPhoto
from parrot.photo.geometry import Box
from parrot.records import Photo

Rng = np.random.Generator
Picture = Image.Image
Change = Callable[[Picture, Picture, Rng], tuple[Picture, Box | None]]
Filter = Callable[[Picture, Rng], Picture]

DRAWS = 2  # stresses that each photo meets, beside one more of COMPOSITES
_SHORT_SIDE = 256
_LARGEST_FRAME = 1024  # short side of a frame; a bird at a quarter of it keeps its 256 px
_BIRD_IN_PHOTO = 0.7
_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Stress:
    """One way in which a phone's photo differs from a portrait."""

    name: str
    change: Change
    quality: int = _QUALITY  # of the JPEG


@dataclass(frozen=True, slots=True)
class Stressed:
    """A JPEG of a changed photo, and where in it the photo was pasted, if it was."""

    jpeg: bytes
    pasted: Box | None


def stressed(photo: Photo, stress: Stress, background: Photo | None = None) -> Stressed:
    """The changed photo; without a background its own blurred colours stand in."""
    rng = np.random.default_rng([*stress.name.encode(), int(photo.sha256[:15], 16)])
    image = _decoded(photo)
    image = _scaled(image, min(1.0, _SHORT_SIDE / min(image.size)))
    behind = image.filter(ImageFilter.GaussianBlur(40)) if background is None else None
    changed, pasted = stress.change(image, behind or _decoded(background or photo), rng)
    out = io.BytesIO()
    changed.save(out, "JPEG", quality=stress.quality)
    return Stressed(out.getvalue(), pasted)


def drawn(photo: Photo, count: int = DRAWS) -> tuple[Stress, ...]:
    """The stresses that a photo meets, always the same ones; over many photos each as often.

    The last one, of the hardest frames, is for fitting alone.
    """
    rng = np.random.default_rng([*b"stress", int(photo.sha256[:15], 16)])
    chosen = [STRESSES[int(number)] for number in rng.permutation(len(STRESSES))[:count]]
    frames = [change for change in STRESSES if change.name in COMPOSITES and change not in chosen]
    return (*chosen, frames[int(rng.integers(len(frames)))])


def backgrounds(photos: Sequence[LabelledPhoto], folds: Sequence[int]) -> list[int | None]:
    """For each photo another one, without any bird, of its own fold: what it is pasted on.

    None where the fold has no other photo without birds.
    """
    pools: dict[int, list[int]] = {}
    for number, (photo, fold) in enumerate(zip(photos, folds, strict=True)):
        if photo.group is Group.NEGATIVES and photo.is_alive:
            pools.setdefault(fold, []).append(number)
    chosen: list[int | None] = []
    for number, fold in enumerate(folds):
        pool = [other for other in pools.get(fold, ()) if other != number]
        rng = np.random.default_rng([number, fold])
        chosen.append(pool[int(rng.integers(len(pool)))] if pool else None)
    return chosen


def _decoded(photo: Photo) -> Picture:
    with Image.open(io.BytesIO(photo.data)) as opened:
        return ImageOps.exif_transpose(opened).convert("RGB")


def _scaled(image: Picture, scale: float) -> Picture:
    size = tuple(max(1, round(edge * scale)) for edge in image.size)
    return image.resize((size[0], size[1]), Image.Resampling.BICUBIC) if scale != 1 else image


def _pasted(
    image: Picture, frame: tuple[int, int], behind: Picture, where: tuple[float, float]
) -> tuple[Picture, Box]:
    """The photo in a frame, its edges melting into the background; `where` is 0..1 of the room."""
    canvas = ImageOps.fit(behind, frame, Image.Resampling.BICUBIC)
    edge = max(2, min(image.size) // 14)
    mask = Image.new("L", image.size, 0)
    inner = (edge, edge, image.width - 1 - edge, image.height - 1 - edge)
    ImageDraw.Draw(mask).rounded_rectangle(inner, min(image.size) / 5, fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(edge / 2))
    room = (frame[0] - image.width, frame[1] - image.height)
    left, top = round(where[0] * room[0]), round(where[1] * room[1])
    canvas.paste(image, (left, top), mask)
    right, bottom = left + image.width, top + image.height
    return canvas, Box(left / frame[0], top / frame[1], right / frame[0], bottom / frame[1])


def _at(bird: float, *, corner: bool = False) -> Change:
    """The bird at this share of a frame's side, near its middle or in a corner.

    The birds are not annotated; in a training set's portraits they span about 70%.
    """
    share = min(1.0, bird / _BIRD_IN_PHOTO)

    def change(image: Picture, behind: Picture, rng: Rng) -> tuple[Picture, Box]:
        across = max((image.width * image.height) ** 0.5, max(image.size) * share)
        side = min(_LARGEST_FRAME, across / share)
        fitted = _scaled(image, side * share / across)
        long_side = round(side * 4 / 3)
        frame = (round(side), long_side) if rng.random() < 0.6 else (long_side, round(side))  # noqa: PLR2004 - most phones are held upright
        if corner:
            where = rng.uniform(0, 0.1, 2)
            where = np.where(rng.random(2) < 0.5, where, 1 - where)  # noqa: PLR2004 - a coin
        else:
            where = rng.uniform(0.25, 0.75, 2)
        return _pasted(fitted, frame, behind, (float(where[0]), float(where[1])))

    return change


def _frame(aspect: float) -> Change:
    """A frame of this height to width; the photo fills its width and stands at any height.

    An aspect below 1 is a wide frame, filled in height.
    """

    def change(image: Picture, behind: Picture, rng: Rng) -> tuple[Picture, Box]:
        fill, where = rng.uniform(0.75, 1.0), rng.uniform(0, 1, 2)
        if aspect >= 1:
            width = image.width / fill
            frame = (round(width), round(max(width * aspect, image.height)))
        else:
            height = image.height / fill
            frame = (round(max(height / aspect, image.width)), round(height))
        return _pasted(image, frame, behind, (float(where[0]), float(where[1])))

    return change


def _whole(change: Filter) -> Change:
    """The photo itself, changed."""
    return lambda image, _behind, rng: (change(image, rng), None)


def _screenshot(image: Picture, rng: Rng) -> Picture:
    """The photo between the bars, lines and buttons of an app."""
    width = image.width
    height = max(round(width * 19.5 / 9), image.height + width // 3)
    dark = rng.random() < 0.5  # noqa: PLR2004 - a coin
    paper, ink = ((18, 18, 20), (200, 200, 205)) if dark else ((250, 250, 250), (60, 60, 66))
    canvas = Image.new("RGB", (width, height), paper)
    top = int(rng.integers(width // 6, height - image.height - width // 8))
    canvas.paste(image, (0, top))
    draw = ImageDraw.Draw(canvas)
    line = max(2, width // 40)
    for y in range(line, height - line, 3 * line):
        if not top - 2 * line < y < top + image.height + line:
            end = width * (0.3 + 0.65 * rng.random())
            draw.rectangle((line * 2, y, end, y + line), fill=ink)
    for number in range(4):
        x = round(width * (number + 0.5) / 4)
        draw.ellipse((x - line, height - 4 * line, x + line, height - 2 * line), fill=ink)
    return canvas


def _dim(image: Picture, rng: Rng) -> Picture:
    darker = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.18, 0.35)))
    return _grain(darker, 6, rng)


def _blurred(image: Picture, rng: Rng) -> Picture:
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(2.5, 4.0))))


def _noisy(image: Picture, rng: Rng) -> Picture:
    return _grain(image, float(rng.uniform(25, 45)), rng)


def _grain(image: Picture, sigma: float, rng: Rng) -> Picture:
    pixels = np.asarray(image, np.float32)
    noise = rng.normal(0, sigma, pixels.shape).astype(np.float32)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _bars(image: Picture, rng: Rng) -> Picture:
    """Upright cage bars with a few across, lit from one side."""
    canvas = image.copy()
    draw = ImageDraw.Draw(canvas)
    width, height = image.size
    gap = width * float(rng.uniform(0.08, 0.14))
    thick = max(2.0, width * float(rng.uniform(0.012, 0.025)))
    grey = int(rng.integers(40, 190))
    light, shade = (min(255, grey + 50),) * 3, (grey,) * 3
    for x in np.arange(float(rng.uniform(0, gap)), width, gap):
        draw.rectangle((x, 0, x + thick, height), fill=shade)
        draw.line((x, 0, x, height), fill=light)
    for y in np.arange(float(rng.uniform(0, height / 3)), height, height / 2.5):
        draw.rectangle((0, y, width, y + thick), fill=shade)
    return canvas


def _tilted(image: Picture, rng: Rng) -> Picture:
    turned, _ = _turned(image, float(rng.uniform(15, 35)) * float(rng.choice([-1, 1])))
    return turned


def _turned(image: Picture, degrees: float) -> tuple[Picture, float]:
    """Turned, and cut to what has no empty corners: this share of its sides."""
    angle = np.radians(abs(degrees))
    keep = 1 / (np.cos(angle) + np.sin(angle) * max(image.size) / min(image.size))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=False)
    left, top = ((1 - keep) / 2 * edge for edge in image.size)
    box = (round(left), round(top), round(image.width - left), round(image.height - top))
    return turned.crop(box), keep


def _cut(box: Box, keep: float) -> Box:
    """Where a box is in the middle of a picture, cut to this share of its sides."""
    edges = (box.left, box.top, box.right, box.bottom)
    return Box(*(min(1.0, max(0.0, (edge - 0.5) / keep + 0.5)) for edge in edges))


def _tiny(image: Picture, _rng: Rng) -> Picture:
    return _scaled(image, min(1.0, 72 / min(image.size)))


def _phone(image: Picture, behind: Picture, rng: Rng) -> tuple[Picture, Box | None]:
    """A hand-held photo in bad light: part of the frame, a little turned, tinted, soft, grainy.

    Where the photo lies is told as if it had been cut but not turned.
    """
    framed, pasted = _at(float(rng.uniform(0.4, 0.65)))(image, behind, rng)
    turned, keep = _turned(framed, float(rng.uniform(-8, 8)))
    tint = Image.new("RGB", turned.size, (255, int(rng.integers(215, 250)), 205))
    tinted = ImageChops.multiply(turned, tint)
    darker = ImageEnhance.Brightness(tinted).enhance(float(rng.uniform(0.5, 0.9)))
    soft = darker.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.5))))
    return _grain(soft, float(rng.uniform(4, 14)), rng), pasted and _cut(pasted, keep)


COMPOSITES = frozenset({"bird at 1/3", "bird at 1/4", "phone mix"})  # hardest to find
STRESSES = (
    Stress("bird at 1/2", _at(1 / 2)),
    Stress("bird at 1/3", _at(1 / 3)),
    Stress("bird at 1/4", _at(1 / 4)),
    Stress("in a corner", _at(1 / 2, corner=True)),
    Stress("9:16 frame", _frame(16 / 9)),
    Stress("4:3 frame", _frame(3 / 4)),
    Stress("screenshot", _whole(_screenshot)),
    Stress("dim", _whole(_dim)),
    Stress("blurred", _whole(_blurred)),
    Stress("noisy", _whole(_noisy)),
    Stress("JPEG quality 20", _whole(lambda image, _rng: image), quality=20),
    Stress("72 px", _whole(_tiny)),
    Stress("cage bars", _whole(_bars)),
    Stress("tilted", _whole(_tilted)),
    Stress("phone mix", _phone, quality=70),
)
