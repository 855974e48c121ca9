"""Why something is not a parrot: the gate first, then the photo itself, and nothing if unclear."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from parrot.http.tips import TIPS
from parrot.model import look
from parrot.model.reason import Evidence, measure, why
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason
from tests.support.photos import noise

POLICY = ReasonPolicy(
    precision=0.95,
    sure=0.95,
    no_bird=0.7,
    other_bird=0.5,
    too_small=32,
    blurred=0.27,
    too_dark=0.36,
)
# A large, bright, sharp photo that the gate is undecided about.
UNCLEAR = Evidence(other_bird=0.4, no_bird=0.3, window=200, sharpness=0.5, brightness=0.9)
SMALL, DARK, SOFT = {"window": 20.0}, {"brightness": 0.2}, {"sharpness": 0.26}


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"no_bird": 0.96}, Reason.NO_BIRD),
        ({"other_bird": 0.96}, Reason.OTHER_BIRD),
        ({"no_bird": 0.7}, Reason.NO_BIRD),
        ({"other_bird": 0.5}, Reason.OTHER_BIRD),
        ({"no_bird": 0.69}, None),
        (SMALL, Reason.TOO_SMALL),
        (DARK, Reason.TOO_DARK),
        (SOFT, Reason.BLURRED),
        ({}, None),
        # A dark photo of an eagle that the model recognises is an eagle.
        ({"other_bird": 0.95, **DARK}, Reason.OTHER_BIRD),
        # A parrot in the dark looks a bit like many birds: the light is why.
        ({"other_bird": 0.94, **DARK}, Reason.TOO_DARK),
        ({**SMALL, **SOFT}, Reason.TOO_SMALL),  # holding the phone still would not help
    ],
)
def test_each_reason_has_its_threshold_and_its_turn(
    known: dict[str, float], reason: Reason | None
) -> None:
    """A wrong tip is worse than none."""
    assert why(replace(UNCLEAR, **known), POLICY) is reason


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_without_a_threshold_is_never_given(reason: Reason) -> None:
    """Fitting leaves out what is not precise enough; the gate's own reason stays."""
    policy = replace(POLICY, **{reason.value: None})  # type: ignore[arg-type]
    likely = replace(UNCLEAR, other_bird=0.9, no_bird=0.05, **SMALL, **DARK, **SOFT)
    given = {why(signs, policy) for signs in (likely, replace(likely, other_bird=0.0, no_bird=0.9))}
    assert reason not in given
    nothing = replace(POLICY, too_small=None, blurred=None, too_dark=None)
    assert why(likely, nothing) is Reason.OTHER_BIRD


def test_every_reason_has_a_tip_in_both_languages() -> None:
    """The page and both apps show it as it is."""
    assert set(TIPS) == set(Reason)
    assert all(text["en"].strip() and text["ko"].strip() for text in TIPS.values())


def test_darkness_lowers_brightness_and_blur_lowers_sharpness() -> None:
    """Each number detects one fault and not the other."""
    picture = noise(320, 320).resize((320, 320))
    scene = picture.filter(ImageFilter.GaussianBlur(1))
    sharp = measure(np.asarray(scene))
    dark = measure(np.asarray(scene.point(lambda value: value // 4)))
    soft = measure(np.asarray(scene.filter(ImageFilter.GaussianBlur(4))))
    assert dark.brightness < sharp.brightness / 3
    assert dark.sharpness == pytest.approx(sharp.sharpness, abs=0.05)
    assert soft.sharpness < 0.3 < sharp.sharpness
    assert soft.brightness > 2 * dark.brightness


def test_a_dark_animal_in_the_sun_is_not_a_dark_photo() -> None:
    """The brightest parts tell how much light there was."""
    night = np.full((320, 320, 3), 10, np.uint8)
    assert measure(night).brightness < 0.1
    night[:60, :60] = 240
    assert measure(night).brightness > 0.9


def test_a_picture_of_one_colour_is_not_blurred() -> None:
    """It has no edge that could be soft; its size may be anything."""
    assert measure(np.zeros((320, 320, 3), np.uint8)).sharpness == 1
    assert measure(np.asarray(Image.new("RGB", (1, 1)))).sharpness == 1


def test_fractions_of_a_pixels_value_are_measured_too() -> None:
    """A model may need TensorFlow's resampling, which gives floats."""
    pixels = np.asarray(noise(32, 32))
    whole, floats = measure(pixels), measure(pixels.astype(np.float32))
    assert floats.sharpness == pytest.approx(whole.sharpness)
    assert floats.brightness == whole.brightness


def test_a_window_is_measured_in_pixels_of_the_original_photo() -> None:
    """The model sees 320 px of whatever came; what it was cut from decides what can be seen."""
    assert look.window((0.2, 0.2, 0.5, 0.5), 1000, 500) == pytest.approx(150)
