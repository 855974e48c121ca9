"""What a model is fitted on and judged on: each photo as it is, and under a few stresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.data import stress
from parrot.errors import InvalidImage, RequestError
from parrot.photo import images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.data.labelled_photos import LabelledPhoto
    from models.data.stress import Stress
    from parrot.records import Photo

PER_PHOTO = 1 + stress.DRAWS


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo as it is, or changed by a stress in front of a background."""

    path: Path
    stress: Stress | None = None
    background: Path | None = None

    def photo(self) -> Photo:
        """The photo to look at. Raises InvalidImage with the path of a file that is not a photo."""
        photo = _read(self.path)
        if self.stress is None:
            return photo
        behind = None if self.background is None else _read(self.background)
        return images.read(stress.stressed(photo, self.stress, behind))


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
    try:
        return images.read(path.read_bytes())
    except RequestError as error:
        raise InvalidImage(f"{path}: {error.detail}") from error
