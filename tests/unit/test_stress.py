"""Stressed photos: the same every time, alike for every group, never sharing a background."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import stress
from models.data.labelled_photos import NOT_ALIVE, Group, LabelledPhoto
from parrot.photo import images
from parrot.records import Photo
from tests.support.photos import encoded, noise, opened

PHOTO = images.read(encoded(noise(400, 300), quality=95))
BACKGROUND = images.read(encoded(noise(200, 320, seed=1)))
SIZES = ((1200, 900), (400, 300))


def named(name: str) -> stress.Stress:
    (change,) = (change for change in stress.STRESSES if change.name == name)
    return change


def changed(name: str, photo: Photo = PHOTO) -> Image.Image:
    return opened(stress.stressed(photo, named(name), BACKGROUND).jpeg)


def sharpness(image: Image.Image) -> float:
    """Mean square of the steps from pixel to pixel."""
    pixels = np.asarray(image.convert("L"), np.float64)
    return float(np.square(np.diff(pixels, axis=1)).mean())


def test_the_same_photo_is_stressed_in_the_same_way_each_time() -> None:
    """A cached feature must belong to a photo that can be made again; a background may lack."""
    for change in stress.STRESSES:
        data = stress.stressed(PHOTO, change, BACKGROUND)
        assert data == stress.stressed(PHOTO, change, BACKGROUND), change.name
        assert data != stress.stressed(BACKGROUND, change, PHOTO), change.name
        images.measure(images.read(data.jpeg))
        images.measure(images.read(stress.stressed(PHOTO, change).jpeg))


def test_large_and_small_photos_end_with_the_same_detail() -> None:
    """Otherwise sharpness would tell which collection a photo is from."""
    picture = noise(1200, 900)
    photos = [images.read(encoded(picture.resize(size), quality=95)) for size in SIZES]
    large, small = (changed("dim", photo) for photo in photos)
    assert large.size == small.size
    assert min(large.size) == 256
    assert sharpness(large) == pytest.approx(sharpness(small), rel=0.2)
    assert sharpness(picture) > 2 * sharpness(picture.resize(SIZES[1]).resize(SIZES[0]))


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("bird at 1/4", 1 / 20, 1 / 8), ("in a corner", 1 / 4, 1 / 2), ("phone mix", 1 / 5, 1)],
)
def test_a_pasted_photo_is_where_it_says_and_the_rest_is_background(
    name: str, least: float, most: float
) -> None:
    """The stress must be what its name says; what is fitted on views beside it is "no bird"."""
    white = images.read(encoded(Image.new("RGB", (300, 300), "white")))
    black = images.read(encoded(Image.new("RGB", (300, 300), "black")))
    made = stress.stressed(white, named(name), black)
    frame = opened(made.jpeg).convert("L")
    bright = np.asarray(frame) > 64
    assert least < bright.mean() < most
    assert made.pasted is not None
    left, top, right, bottom = map(round, made.pasted.pixels(frame.size))
    assert bright[top:bottom, left:right].sum() > 0.95 * bright.sum()
    assert bright[top:bottom, left:right].mean() > 0.6


def test_frames_have_the_proportions_of_a_phone() -> None:
    """9:16 is what a phone's full screen shows."""
    tall = changed("9:16 frame")
    assert tall.height / tall.width == pytest.approx(16 / 9, rel=0.01)
    wide = changed("4:3 frame")
    assert wide.width / wide.height == pytest.approx(4 / 3, rel=0.01)
    assert min(changed("72 px").size) == 72


def test_every_stress_is_drawn_about_equally_often() -> None:
    """Each stress has its own line in the report, with enough photos."""
    counts: Counter[str] = Counter()
    for number in range(1500):
        photo = replace(PHOTO, sha256=hashlib.sha256(str(number).encode()).hexdigest())
        *names, frame = [change.name for change in stress.drawn(photo)]
        assert len({*names, frame}) == stress.DRAWS + 1
        assert frame in stress.COMPOSITES
        counts.update(names)
    assert set(counts) == {change.name for change in stress.STRESSES}
    assert min(counts.values()) > 0.75 * max(counts.values())


def test_a_background_comes_from_the_same_fold_and_shows_no_bird() -> None:
    """A background seen in training would help in the test."""
    groups = [Group.PARROTS, Group.OTHER_BIRDS, Group.NEGATIVES, Group.NEGATIVES] * 5
    photos = [
        LabelledPhoto(Path(f"{number}.jpg"), group, "x", None, str(number), "y")
        for number, group in enumerate(groups)
    ]
    drawing = replace(photos[2], path=Path("drawing.jpg"), taxon=NOT_ALIVE)
    photos.append(drawing)
    folds = [*(number // 4 for number in range(20)), 0]
    chosen = stress.backgrounds(photos, folds)
    for number, background in enumerate(chosen):
        assert background is not None
        assert background != number
        assert folds[background] == folds[number]
        assert photos[background].group is Group.NEGATIVES
        assert photos[background] is not drawing


def test_a_fold_without_a_background_has_none() -> None:
    """The photo's own colours stand in then; a parrot from another fold must not."""
    photos = [LabelledPhoto(Path("a.jpg"), Group.NEGATIVES, "x", None, "a", "y")]
    assert stress.backgrounds(photos, [0]) == [None]
