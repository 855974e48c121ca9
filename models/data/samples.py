"""What a model is fitted on and judged on: each photo as it is, and under a few stresses.

A function may look at a photo in three ways: whole, the centre square, and closer
(`parrot.model.look`). The pixels come from `parrot.photo.images`, the very module that serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from models.arrays import Floats
from models.data import stress
from models.data.labelled_photos import LabelledPhoto
from models.data.stress import Stress
from models.network.model_folder import INPUT
from parrot.errors import InvalidImage, RequestError
from parrot.model import look, reason
from parrot.photo import images
from parrot.photo.geometry import Box
from parrot.records import Photo

JUDGED = 1 + stress.DRAWS  # samples of each photo that figures are about
PER_PHOTO = JUDGED + 1
MARGIN = 1.1  # of the closer look around the focus
SIGNS = ("window", "sharpness", "brightness")  # as in `parrot.model.reason.Evidence`


class Views(IntEnum):
    """The second axis of `Extractor.features`."""

    WHOLE = 0
    CENTER = 1
    CLOSER = 2
    SECOND = 3  # as closer, where the next best window is


# Where the second and third part of `FirstLook.signs` begin.
PARTS = [len(SIGNS), len(SIGNS) + len(Views)]


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo as it is, or changed by a stress in front of a background."""

    path: Path
    stress: Stress | None = None
    background: Path | None = None

    @property
    def change(self) -> str:
        """The name of its stress, empty for a photo as it is."""
        return "" if self.stress is None else self.stress.name

    def photo(self) -> tuple[Photo, Box | None]:
        """The photo to look at, and where its bird is, if that is known.

        Raises InvalidImage with the path of a file that is not a photo.
        """
        photo = _read(self.path)
        if self.stress is None:
            return photo, None
        behind = None if self.background is None else _read(self.background)
        changed = stress.stressed(photo, self.stress, behind)
        return images.read(changed.jpeg), changed.pasted


@dataclass(frozen=True, slots=True)
class FirstLook:
    """A photo, its width and height as it stands upright, and the pixels of the whole of it."""

    path: Path
    photo: Photo
    bird: Box | None  # where it is, if that is known
    size: tuple[int, int]
    pixels: Floats

    @classmethod
    def at(cls, sample: Sample) -> FirstLook:
        """Raises InvalidImage with the photo's path."""
        photo, bird = sample.photo()
        with _named(sample.path):
            whole = images.pixels(photo, INPUT)
        size = (whole.width, whole.height)
        return cls(sample.path, photo, bird, size, whole.pixels.astype(np.float32))

    def center(self) -> Floats:
        """The pixels of the centre square."""
        return np.asarray(self._parts([look.center(*self.size)])[0])

    def closer(self, windows: Floats) -> Floats:
        """The pixels around what the first look was drawn to, the best window first."""
        return self._parts([look.closer(row, *self.size, MARGIN) for row in windows.tolist()])

    def signs(self, windows: Floats) -> Floats:
        """How small, soft or dark the photo is, `SIGNS`; what each view has of the bird; windows.

        The second is the overlap of view and bird, 1 where one includes the other, NaN where it is
        not known.
        """
        window = look.window(windows[0].tolist(), *self.size)
        measured = reason.measure(self.pixels)
        around = [look.closer(row, *self.size, MARGIN) for row in windows.tolist()]
        seen = [_overlap(self.bird, view) for view in (look.center(*self.size), *around)]
        quality = (window, measured.sharpness, measured.brightness)
        return np.array([*quality, 1, *seen, *windows.ravel()], np.float32)

    def _parts(self, boxes: Sequence[Box]) -> Floats:
        with _named(self.path):
            rasters = images.parts(self.photo, INPUT, boxes)
        return np.stack([raster.pixels for raster in rasters]).astype(np.float32)


def _overlap(bird: Box | None, view: Box) -> float:
    if bird is None:
        return np.nan
    across = min(bird.right, view.right) - max(bird.left, view.left)
    down = min(bird.bottom, view.bottom) - max(bird.top, view.top)
    smaller = min((box.right - box.left) * (box.bottom - box.top) for box in (bird, view))
    return max(0.0, across) * max(0.0, down) / smaller


def of(photos: Sequence[LabelledPhoto], folds: Sequence[int]) -> list[tuple[Sample, ...]]:
    """For each photo it as it is, then under the stresses that are drawn for it.

    Backgrounds come from the photo's own fold, so that no split has one on both sides.
    """
    behind = stress.backgrounds(photos, folds)
    samples = []
    for photo, number in zip(photos, behind, strict=True):
        background = None if number is None else photos[number].path
        draws = stress.drawn(_read(photo.path))
        stressed = (Sample(photo.path, change, background) for change in draws)
        samples.append((Sample(photo.path), *stressed))
    return samples


def _read(path: Path) -> Photo:
    with _named(path):
        return images.read(path.read_bytes())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What is wrong with a photo, with its path."""
    try:
        yield
    except RequestError as error:
        raise InvalidImage(f"{path}: {error.detail}") from error
