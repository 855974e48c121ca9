"""Photos are decoded within a budget, whatever their headers claim."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from parrot import budget
from parrot.budget import MIB, Cost
from parrot.config import MAX_PHOTO_PIXELS
from parrot.errors import DecoderUnavailable, InvalidImage, Overloaded, TogetherTooLong
from parrot.model.look import center
from parrot.model.served_model import InputSpec
from parrot.photo import images
from parrot.photo.decoder import Decoder
from parrot.photo.geometry import Box
from parrot.records import Header, Photo
from tests.support import hostile
from tests.support.photos import DECODER, encoded, noise

SPEC = InputSpec(320, 320)
MOST = MAX_PHOTO_PIXELS


@pytest.fixture(autouse=True)
def alone() -> None:
    """Other tests of this process share a decoder, whose child lives on."""
    DECODER.__exit__()


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder(max_pixels=MOST) as made:
        yield made


@pytest.mark.parametrize("kind", ["AVIF", "JPEG"], ids=["in the other process", "in this process"])
def test_both_processes_give_the_same_pixels(decoder: Decoder, kind: str) -> None:
    """Where a photo is decoded must not change what the model sees."""
    photo = images.read(encoded(noise(900, 700), kind, speed=10))  # as AVIF has it
    here = images.pixels(photo, SPEC)
    there = decoder.pixels(photo, SPEC)
    assert np.array_equal(here.pixels, there.pixels)
    assert (here.width, here.height) == (there.width, there.height) == decoder.measure(photo)
    boxes = [center(900, 700), Box(0.5, 0.5, 0.75, 0.75)]
    for mine, other in zip(
        images.parts(photo, SPEC, boxes), decoder.parts(photo, SPEC, boxes), strict=True
    ):
        assert np.array_equal(mine.pixels, other.pixels)
    assert (
        decoder.upright(photo, long_side=64).tobytes()
        == images.upright(photo, long_side=64).tobytes()
    )


def test_an_isolated_decoder_keeps_every_photo_in_the_other_process() -> None:
    """What `process` decodes comes back until it is done: no photo may hold up the function."""
    photo = images.read(encoded(noise(90, 70)))
    with Decoder(max_pixels=MOST, isolated=True) as isolated:
        before = set(psutil.Process().children())
        assert isolated.measure(photo) == (90, 70)
        assert len(set(psutil.Process().children()) - before) == 1


def test_a_photo_that_ends_the_other_process_ends_nothing_else(decoder: Decoder) -> None:
    """After crashing on one photo, the decoder answers for the next."""
    photo = images.read(encoded(noise(300, 200), "AVIF"))
    assert decoder.measure(photo) == (300, 200)
    (child,) = children()
    child.kill()
    with pytest.raises(DecoderUnavailable, match="the decoder ended"):
        decoder.measure(photo)
    assert decoder.measure(photo) == (300, 200)


def test_eight_files_with_false_headers_cost_this_process_nothing(decoder: Decoder) -> None:
    """They say 64 x 64 and hold 144 megapixels: 600 MB each where they are decoded in place."""
    photo = Photo(hostile.AVIF_LIAR.read_bytes(), "image/avif", "", Header(64, 64, channels=4))
    attempt(decoder, photo)
    before = psutil.Process().memory_info().rss
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: attempt(decoder, photo), range(8)))
    assert set(outcomes) <= {"InvalidImage", "Overloaded"}
    assert psutil.Process().memory_info().rss - before < 64 * MIB


def test_an_ordinary_photo_is_answered_beside_large_ones(decoder: Decoder) -> None:
    """Large photos wait for each other; a small one goes past them."""
    large = images.read(hostile.large_webp())
    small = images.read(encoded(noise(600, 400)))
    with flooded(decoder, large, callers=8):
        assert decoder.pixels(small, SPEC).width == 600


def test_a_photo_that_takes_too_long_ends_once_and_is_charged(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was tried again in a fresh process, and nobody paid for either."""
    decoder.measure(images.read(encoded(noise(300, 200), "AVIF")))
    (child,) = children()
    monkeypatch.setattr("parrot.photo.decoder.MOST_SECONDS", 0.05)
    with budget.billed(budget.Bill()), pytest.raises(InvalidImage, match="more time or memory"):
        decoder.measure(images.read(hostile.large_webp()))
    child.wait(5)
    assert not children()
    with budget.billed(budget.Bill()):
        assert attempt(decoder, images.read(hostile.large_webp())) == "TooExpensive"
        assert budget.bill().seconds >= 0.05


def test_a_photo_that_only_had_the_rest_of_a_requests_time_is_not_called_too_expensive(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photos before it used up the time: sent by itself it is read."""
    monkeypatch.setattr("parrot.photo.decoder.budget.decoding", lambda *_, **__: Cost(2**28, 0.0))
    large = images.read(hostile.large_webp())
    with budget.billed(budget.Bill()):
        budget.bill().add(budget.MOST_SECONDS - 0.05)
        with pytest.raises(TogetherTooLong):
            decoder.measure(large)
    assert decoder.measure(large) == (5000, 5000)


def test_the_time_of_the_other_process_counts(decoder: Decoder) -> None:
    """It is most of what an expensive photo takes."""
    with budget.billed(budget.Bill()):
        decoder.measure(images.read(hostile.large_webp()))
        here = budget.Bill()
        assert budget.bill().seconds - here.seconds > 0.05


def test_one_callers_photos_do_not_hold_up_anothers(decoder: Decoder) -> None:
    """Two expensive ones turned everybody's HEIC into 503."""
    large, heic = images.read(hostile.large_webp()), images.read(encoded(noise(90, 70), "AVIF"))
    with flooded(decoder, large, callers=4, name="ana"), budget.billed(budget.Bill("ben")):
        assert decoder.measure(heic) == (90, 70)


def test_the_other_process_ends_with_its_decoder() -> None:
    """No process is left behind."""
    with Decoder(max_pixels=MOST) as decoder:
        decoder.measure(images.read(encoded(noise(300, 200), "AVIF")))
        (child,) = children()
    child.wait(5)


@contextmanager
def flooded(
    decoder: Decoder, photo: Photo, callers: int, name: str | None = None
) -> Iterator[None]:
    """A photo is sent all the time, by all at once; with a name they count as one."""
    stop = threading.Event()

    def flood() -> None:
        with budget.billed(budget.Bill(name, most=1e6)):
            while not stop.is_set():
                attempt(decoder, photo)

    with ThreadPoolExecutor(callers) as pool:
        for _ in range(callers):
            pool.submit(flood)
        try:
            yield
        finally:
            stop.set()


def attempt(decoder: Decoder, photo: Photo) -> str:
    try:
        decoder.pixels(photo, SPEC)
    except (InvalidImage, Overloaded) as error:
        return type(error).__name__
    return "done"


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "parrot.photo.decoder" in " ".join(child.cmdline())
    ]
