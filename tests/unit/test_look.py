"""The second look: only in doubt, always within the photo, square as the model wants it."""

import numpy as np
import pytest
from PIL import ImageOps
from pillow_heif import register_heif_opener

from parrot.model.decision import in_doubt
from parrot.model.look import SecondLook, View, center, closer
from parrot.model.served_model import InputSpec
from parrot.photo import images
from parrot.photo.geometry import Box
from parrot.records import Decision, Scores
from tests.support.photos import encoded, held, noise, opened

LOOK = SecondLook((View.CENTER, View.CLOSER), low=0.01, high=0.9)


def test_only_doubt_is_looked_at_again() -> None:
    """A second look costs a round trip."""
    for parrot, set_size, wanted in (
        (0.005, None, False),
        (0.3, None, True),
        (0.89, 1, True),
        (0.95, 1, False),
        (0.95, 0, True),
        (0.95, 3, True),
        (0.95, None, False),
    ):
        in_set = None if set_size is None else np.arange(9) < set_size
        scores = Scores(np.array(parrot), None, None, None)
        decision = Decision(scores, np.array(parrot > 0.5), in_set, *[np.zeros((), bool)] * 2)
        assert bool(in_doubt(decision, LOOK)) is wanted


def test_a_closer_look_is_a_square_within_the_photo() -> None:
    """Whatever the model says, there must be pixels to look at."""
    for width, height in ((400, 300), (300, 400), (320, 320), (90, 1600)):
        for focus in (
            (0, 0, 0.3, 0.3),
            (0.7, 0.7, 1, 1),
            (0.2, 0.5, 0.9, 1),
            (-1, -1, 3, 3),
            (1, 1, 1, 1),
        ):
            box = closer(focus, width, height, 1.1)
            across, down = (box.right - box.left) * width, (box.bottom - box.top) * height
            assert across == pytest.approx(down)
            assert across > 0.99  # pixels
            assert min(box.left, box.top) >= 0
            assert max(box.right, box.bottom) <= 1 + 1e-9


def test_a_closer_look_is_around_the_focus_with_a_margin() -> None:
    """A window of the map may cut off a head or a tail."""
    box = closer((0.4, 0.4, 0.6, 0.6), 1000, 1000, 1.1)
    assert (box.left, box.right) == pytest.approx((0.39, 0.61))
    assert (box.top, box.bottom) == pytest.approx((0.39, 0.61))


def test_views_come_in_the_order_of_the_policy() -> None:
    """The mean does not care; a person who reads a log does."""
    foci = [(0.0, 0.0, 0.5, 0.5), (0.75, 0.0, 1.0, 0.5)]
    boxes = LOOK.boxes((View.CENTER, View.CLOSER, View.SECOND), foci, 400, 200)
    assert boxes[0] == center(400, 200) == Box(0.25, 0.0, 0.75, 1.0)
    assert (boxes[1].left, boxes[2].right) == (0, 1)


def test_a_part_is_taken_from_the_photo_as_a_person_sees_it() -> None:
    """Phones store photos lying on their side; the focus is of the upright photo."""
    for orientation in range(1, 9):
        photo = images.read(encoded(noise(96, 64), "PNG", exif=held(orientation)))
        upright = ImageOps.exif_transpose(opened(photo.data))
        part = Box(0.25, 0.5, 0.75, 1.0)
        left, top, right, bottom = (round(edge) for edge in part.pixels(upright.size))
        spec = InputSpec(right - left, bottom - top)
        (cut,) = images.parts(photo, spec, [part])
        np.testing.assert_array_equal(cut.pixels, upright.crop((left, top, right, bottom)))
        assert (cut.width, cut.height) == upright.size


@pytest.mark.parametrize(("kind", "decoded"), [("JPEG", 2), ("PNG", 1), ("WEBP", 1), ("HEIF", 1)])
def test_parts_are_the_same_together_and_a_photo_that_is_decoded_whole_is_so_once(
    kind: str, decoded: int
) -> None:
    """HEIC takes a quarter of a second; a JPEG for a large part is cheap, at a reduced scale."""
    register_heif_opener()
    photo = images.read(encoded(noise(400, 300), kind))
    spec = InputSpec(16, 16)
    boxes = [center(400, 300), Box(0.5, 0.5, 0.6, 0.625)]
    assert len(images.by_decoding(photo, boxes)) == decoded
    together = images.parts(photo, spec, boxes)
    for box, joint in zip(boxes, together, strict=True):
        (alone,) = images.parts(photo, spec, [box])
        np.testing.assert_array_equal(joint.pixels, alone.pixels)


def test_the_centre_square_is_the_models_own_cut() -> None:
    """Bundles that look once, at the centre, and those that look there again see the same."""
    photo = images.read(encoded(noise(1000, 700), "PNG"))
    spec = InputSpec(64, 64)
    (part,) = images.parts(photo, spec, [center(1000, 700)])
    np.testing.assert_array_equal(part.pixels, images.pixels(photo, spec).pixels)
