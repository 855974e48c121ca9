"""A stored decision is made again, or one reads why not."""

from dataclasses import replace
from typing import Any

import pytest

from models.backfill.replay import CannotReplay, Replay, Replayer, find
from parrot.classify import Classifier
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle
from parrot.observation import Observation, Status, Verdict
from parrot.progress import verdict_of
from tests.support.observations import observation
from tests.support.photos import DECODER
from tests.support.processing import MemoryPhotos, World
from tests.support.scripted_model import DOUBT, PHOTO, SURE, Scripted, bundle

LIVE = (7, PHOTO.data)  # its generation


def judged() -> Verdict:
    """What `process` keeps of a photo that it looked at twice."""
    classifier = Classifier(bundle(), Scripted([DOUBT, SURE]), DECODER)
    return verdict_of(classifier.classify(PHOTO))


STORED = replace(observation(), status=Status.READY, generation="7", verdict=judged())


def replayed(
    stored: Observation = STORED,
    live: tuple[int, bytes] | None = LIVE,
    *,
    look: tuple[float, ...] = DOUBT,
    model: str = "M/1",
) -> Replay:
    def open_bundle(version: str) -> Bundle:
        if version != "test":
            raise BadBundle(f"bundles/{version}/manifest.json does not exist")
        return bundle()

    photos = MemoryPhotos()
    if live is not None:
        photos.objects[stored.object_name] = live
    server = Scripted([look, SURE], version_name=model)
    return Replayer(photos, open_bundle, server, DECODER, 2**20).replay(stored)


def changed(**fields: object) -> Observation:
    assert STORED.verdict is not None
    return replace(STORED, verdict=replace(STORED.verdict, **fields))  # type: ignore[arg-type]


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
    ("stored", "live", "why"),
    [
        (replace(STORED, generation="6"), LIVE, "overwritten: generation 7 is there, 6 was"),
        (STORED, None, "gone from the bucket"),
        (changed(bundle="2025-01-01"), LIVE, "bundle 2025-01-01 cannot be used any more"),
        (STORED, (7, PHOTO.data[:60]), "refused today"),
        (observation(), LIVE, "no verdict, it is pending"),
        (
            replace(observation(), status=Status.REJECTED, generation="7", reason="not an image"),
            LIVE,
            "it is rejected: not an image",
        ),
    ],
)
def test_what_cannot_be_repeated_says_why(
    stored: Observation, live: tuple[int, bytes] | None, why: str
) -> None:
    """Each of these happens to real deployments."""
    with pytest.raises(CannotReplay, match=why):
        replayed(stored, live)


def test_an_observation_is_found_by_its_id_or_with_its_owner(world: World) -> None:
    """Phones that upload by themselves choose their ids, so two people may have the same."""
    store, other = world.store, replace(STORED, uid="bea")
    with pytest.raises(CannotReplay, match="deleted, or never was"):
        find(store, STORED.id)
    store.create(STORED)
    assert find(store, STORED.id) == STORED
    store.create(other)
    assert find(store, f"bea/{STORED.id}") == other
    with pytest.raises(CannotReplay, match="several people"):
        find(store, STORED.id)
    store.replace(replace(other, status=Status.DELETING))
    with pytest.raises(CannotReplay, match="deleted, or never was"):
        find(store, f"bea/{STORED.id}")
