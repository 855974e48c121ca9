"""A stored decision is made again, or one reads why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from models.backfill.replay import CannotReplay, Replay, Replayer, find
from parrot.classify import Classifier
from parrot.errors import BadBundle
from parrot.observation import Observation, Status
from parrot.photo import images
from parrot.progress import verdict_of
from tests.support.observations import observation
from tests.support.photos import DECODER, encoded, noise
from tests.support.scripted_model import DOUBT, SURE, Scripted, bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.model.bundle import Bundle
    from parrot.observation import Verdict

PHOTO = encoded(noise(120, 80), "PNG")


def judged() -> Verdict:
    """What `process` keeps of a photo that it looked at twice."""
    classifier = Classifier(bundle(), Scripted([DOUBT, SURE]), DECODER)
    return verdict_of(classifier.classify(images.read(PHOTO)))


STORED = replace(observation(), status=Status.READY, generation="7", verdict=judged())


class Store:
    def __init__(self, *stored: Observation) -> None:
        self.stored = stored

    def get(self, uid: str, name: str) -> Observation | None:
        return next((each for each in self.stored if (each.uid, each.id) == (uid, name)), None)

    def by_handle(self, _handle: str) -> None:
        return None

    def everything(self) -> Iterator[Observation]:
        return iter(self.stored)


class Photos:
    def __init__(self, data: bytes = PHOTO, live: int | None = 7) -> None:
        self.data, self.live = data, live

    def read_generation(self, _name: str, generation: int, *, most: int) -> bytes | None:  # noqa: ARG002 - small photos
        return self.data if generation == self.live else None

    def generation(self, _name: str) -> int | None:
        return self.live


def replayed(
    stored: Observation = STORED,
    photos: Photos | None = None,
    *,
    look: tuple[float, ...] = DOUBT,
    model: str = "M/1",
) -> Replay:
    def open_bundle(version: str) -> Bundle:
        if version != "test":
            raise BadBundle(f"bundles/{version}/manifest.json does not exist")
        return bundle()

    server = Scripted([look, SURE], version_name=model)
    replayer = Replayer(cast("Any", photos or Photos()), open_bundle, server, DECODER, 2**20)
    return replayer.replay(stored)


def changed(**fields: object) -> Observation:
    assert STORED.verdict is not None
    return replace(STORED, verdict=replace(STORED.verdict, **fields))  # type: ignore[arg-type]


def test_the_same_decision_comes_out_again() -> None:
    """Bundle, photo and code are those of then."""
    done = replayed()
    assert done.differences == {}
    assert done.sentence() == "repeated to the last digit, by bundle test on M/1"


def test_what_was_not_kept_then_is_not_compared() -> None:
    """The first verdicts had no sets."""
    done = replayed(changed(likely=None))
    assert (list(done.differences), done.contradicted) == (["likely"], [])
    assert "not kept then: likely" in done.sentence()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"look": (1e-6, *DOUBT[1:])}, "its numbers differ by up to 5e-08"),
        ({"look": (-2.0, *DOUBT[1:])}, "decides otherwise now"),
        ({"stored": changed(species="ara-ararauna")}, "decides otherwise now"),
        ({"model": "M/2"}, "M/2 answered, then it was M/1"),
    ],
)
def test_a_difference_has_its_usual_reason(asked: dict[str, Any], why: str) -> None:
    """Last digits are the processor's, all else is worth a look."""
    done = replayed(**asked)
    assert done.contradicted
    assert why in done.sentence()


@pytest.mark.parametrize(
    ("stored", "photos", "why"),
    [
        (replace(STORED, generation="6"), Photos(), "overwritten: generation 7 is there, 6 was"),
        (STORED, Photos(live=None), "gone from the bucket"),
        (changed(bundle="2025-01-01"), Photos(), "bundle 2025-01-01 cannot be used any more"),
        (STORED, Photos(PHOTO[:60]), "refused today"),
        (observation(), Photos(), "no verdict, it is pending"),
        (
            replace(observation(), status=Status.REJECTED, generation="7", reason="not an image"),
            Photos(),
            "it is rejected: not an image",
        ),
    ],
)
def test_what_cannot_be_repeated_says_why(stored: Observation, photos: Photos, why: str) -> None:
    """Each of these happens to real deployments."""
    with pytest.raises(CannotReplay, match=why):
        replayed(stored, photos)


def test_an_observation_is_found_by_its_id_or_with_its_owner() -> None:
    """Phones that upload by themselves choose their ids, so two people may have the same."""
    other = replace(STORED, uid="bea")
    assert find(cast("Any", Store(STORED)), STORED.id) == STORED
    both = cast("Any", Store(STORED, other))
    assert find(both, f"bea/{STORED.id}") == other
    with pytest.raises(CannotReplay, match="several people"):
        find(both, STORED.id)
    for store in (Store(), Store(replace(STORED, status=Status.DELETING))):
        with pytest.raises(CannotReplay, match="deleted, or never was"):
            find(cast("Any", store), STORED.id)
