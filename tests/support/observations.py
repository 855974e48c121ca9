"""Observations made up for tests, and the port of their store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from models.data.saved_photos import AllObservations
from parrot.observation import Derived, Label, Observation, Status, photo_name
from parrot.quota import Counter
from parrot.save import Keys
from parrot.store import ObservationStore

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
KEA = Label("nestor-notabilis", 14, NOW)


class Store(ObservationStore, Counter, Keys, AllObservations, Protocol):
    """What an adapter has to provide."""


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
