"""Reasons are fitted for a stated precision, judged by photos that no threshold was fitted on."""

from pathlib import Path

import numpy as np
import pytest

from models.data import fingerprints
from models.data.labelled_photos import Group, LabelledPhoto
from models.evaluation import reasons
from models.evaluation.results import Judged, Results
from parrot.errors import BadBundle
from parrot.model.reason import Evidence
from parrot.model.rules import ReasonPolicy
from parrot.records import Reason

PHOTOS = [
    LabelledPhoto(Path(f"{group}/{number}.jpg"), group, "a", None, f"{group}{number}", "s")
    for number in range(40)
    for group in (Group.OTHER_BIRDS, Group.NEGATIVES)
]
FOLD = np.arange(len(PHOTOS)) % 4


def rejected(evidence: list[Evidence], stress: list[str]) -> Results:
    count = len(PHOTOS)
    return Results(
        photos=PHOTOS,
        species=("x",),
        target=np.full(count, -1),
        coverage=0.95,
        parrot=np.zeros(count),
        is_parrot=np.zeros(count, bool),
        is_named=np.zeros(count, bool),
        probabilities=np.ones((count, 1)),
        sets=np.zeros((count, 1), bool),
        looks=np.ones(count),
        named=[None] * count,
        stress=stress,
        evidence=evidence,
    )


def seen(*, sure: float = 0.8, brightness: float = 0.9) -> list[Evidence]:
    """What a good gate says of every photo."""
    return [
        Evidence(
            sure if photo.group is Group.OTHER_BIRDS else 0.1,
            sure if photo.group is Group.NEGATIVES else 0.1,
            window=200.0 + number,
            sharpness=0.5 + number / 1000,
            brightness=brightness + number / 1000,
        )
        for number, photo in enumerate(PHOTOS)
    ]


def test_what_tells_dark_photos_apart_becomes_a_reason() -> None:
    """Half of the photos are dim here, and all of those have little light."""
    judged = Judged(
        rejected(seen(), [""] * len(PHOTOS)),
        rejected(seen(brightness=0.1), ["dim"] * len(PHOTOS)),
    )
    policy, explained = reasons.fit(judged, FOLD)
    assert policy.too_dark is not None
    assert set(explained.stressed.reasons) == {Reason.TOO_DARK}
    given = list(explained.clean.reasons)
    assert set(given) >= {Reason.NO_BIRD, Reason.OTHER_BIRD}
    assert given.count(Reason.TOO_DARK) <= 0.06 * len(PHOTOS), "more than the stated precision"


def test_what_is_not_precise_enough_is_never_given() -> None:
    """Dark and bright photos that are equally often stressed say nothing about the light."""
    stress = ["dim" if number % 2 else "tilted" for number in range(len(PHOTOS))]
    judged = Judged(rejected(seen(), [""] * len(PHOTOS)), rejected(seen(brightness=0.1), stress))
    policy, explained = reasons.fit(judged, FOLD)
    assert policy.too_dark is None
    assert Reason.TOO_DARK not in explained.stressed.reasons


def test_thresholds_are_judged_without_the_photos_that_made_them() -> None:
    """Else a threshold could be drawn around single photos: here, those of one fold."""
    dim = [fold == 0 for fold in FOLD]
    evidence = [
        dark if is_dim else bright
        for dark, bright, is_dim in zip(seen(brightness=0.1), seen(), dim, strict=True)
    ]
    stressed = rejected(evidence, ["dim" if is_dim else "tilted" for is_dim in dim])
    policy, explained = reasons.fit(Judged(rejected(seen(), [""] * len(PHOTOS)), stressed), FOLD)
    assert policy.too_dark is not None
    assert Reason.TOO_DARK not in explained.stressed.reasons


@pytest.mark.parametrize(
    ("values", "right", "expected"),
    [
        (range(20), [True] * 20, 19.0),
        (range(20), [True] * 12 + [False] * 8, 11.5),
        (range(20), [False] * 20, None),
        (range(5), [True] * 5, None),
        ([1] * 20, [True] * 10 + [False] * 10, None),
    ],
)
def test_a_threshold_is_as_far_as_precision_allows(
    values: list[int], right: list[bool], expected: float | None
) -> None:
    """Few photos prove nothing, and equal values stay on one side."""
    found = reasons.threshold(np.array(values, float), np.array(right), np.ones(len(right)))
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_reasons_are_counted_among_what_was_not_taken_for_a_parrot() -> None:
    """The card's figures: given, right, and how many should have got it."""
    results = reasons.explained(
        rejected(seen(sure=0.9), [""] * len(PHOTOS)), ReasonPolicy(0.95, 0.95, no_bird=0.5)
    )
    counts = {count.reason: count for count in reasons.counts(results)}
    none, bird = counts[Reason.NO_BIRD], counts[Reason.OTHER_BIRD]
    assert (none.given, none.right, none.due, none.recall) == (40, 40, 40, 1.0)
    assert (bird.given, bird.precision, bird.due) == (0, None, 40)
    assert counts[Reason.TOO_DARK].recall is None


def test_a_bundle_recognises_the_photos_that_it_was_fitted_on() -> None:
    """Figures on those are too good; a prefix that ends in zeros counts like any other."""
    files = [bytes([number]) * 3 + bytes(29) for number in range(9)]
    known = fingerprints.dump(files[:5])
    assert fingerprints.seen(known, files) == 5
    assert fingerprints.seen(known, files[5:]) == 0
    with pytest.raises(BadBundle, match="prefixes"):
        fingerprints.seen(known[:-1], files)


def test_a_data_set_is_named_by_photos_and_labels_not_by_their_order() -> None:
    """Two reports on the same photos say so, on whatever machine."""
    files = [str(number).encode() for number in range(len(PHOTOS))]
    name = fingerprints.of_data(PHOTOS, files)
    assert name == fingerprints.of_data(PHOTOS[::-1], files[::-1])
    assert name != fingerprints.of_data(PHOTOS, files[::-1])
