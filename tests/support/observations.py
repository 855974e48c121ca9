"""Observations made up for tests."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from parrot.model.embedding import DIMENSIONS
from parrot.observation import Derived, Label, Observation, Status, Verdict, photo_name
from parrot.records import Embedded
from parrot.store import Quota, Use

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
KEA = Label("nestor-notabilis", 14, NOW)
DAY = 86400


def use(window: int, *, limit: int = 3, quota: str = "saves") -> Use:
    """One use in a numbered day."""
    return Use(Quota(quota, limit, DAY), float(window * DAY))


def observation(number: int = 1, uid: str = "ana", *, seconds: float = 0) -> Observation:
    """The higher the number, the older."""
    created = NOW - timedelta(seconds=seconds)
    return Observation(
        id=f"id-{number:05}",
        uid=uid,
        object_name=photo_name(uid, f"id-{number:05}"),
        labels=(KEA,),
        sha256="0" * 64,
        media_type="image/jpeg",
        width=4,
        height=3,
        status=Status.PENDING,
        created=created,
        updated=created,
    )


def derived(phash: str) -> Derived:
    return Derived("derived/a", "derived/b", 1024, 768, "LKO2", phash)


def processed(number: int, phash: str, uid: str = "ana") -> Observation:
    return replace(observation(number, uid), status=Status.READY, derived=derived(phash))


def at(degrees: float, space: str = "a1") -> Embedded:
    """A vector in this direction of the first two dimensions."""
    angle = math.radians(degrees)
    vector = (math.cos(angle), math.sin(angle), *[0.0] * (DIMENSIONS - 2))
    return Embedded(space, vector, 0.25)


def verdict(species: str | None = None, *, bundle: str = "1", model: str = "M/1") -> Verdict:
    """A clear one: this species, or not a parrot."""
    return Verdict(
        is_parrot=species is not None,
        parrot_probability=0.99 if species else 0.01,
        species=species,
        species_probability=0.9 if species else None,
        bundle=bundle,
        model=model,
        likely=None if species is None else (species,),
    )
