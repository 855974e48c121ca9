"""Near-duplicates: how a perceptual hash is looked up, which photo names which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from parrot.observation import Status
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from parrot.observation import Observation
    from parrot.store import ObservationStore

# Of 64 bits. The same picture in another size or quality differs in at most three; different
# pictures differ in more than ten.
SIMILAR_BITS = 3


def quarters(phash: str) -> tuple[str, ...]:
    """A perceptual hash's four 16-bit quarters, each with its number.

    Hashes that differ in at most three bits share at least one: stores look hashes up by them.
    """
    return tuple(f"{number}{phash[number * 4 : number * 4 + 4]}" for number in range(4))


def bits_apart(phash: str, other: str) -> int:
    """The number of bits in which two perceptual hashes differ."""
    return (int(phash, 16) ^ int(other, 16)).bit_count()


def lookup(phashes: Collection[str]) -> tuple[str, ...]:
    """The distinct quarters of some hashes, in order."""
    return tuple(sorted({quarter for phash in phashes for quarter in quarters(phash)}))


def resembling(
    phashes: Collection[str], candidates: Iterable[Observation]
) -> tuple[Observation, ...]:
    """The candidates whose hash differs in at most SIMILAR_BITS from one of these.

    The oldest first. Those that are being deleted are left out: no new photo may name them.
    """
    similar = [
        candidate
        for candidate in candidates
        if candidate.derived is not None
        and candidate.status is not Status.DELETING
        and _near(candidate.derived.phash, phashes)
    ]
    return tuple(sorted(similar, key=lambda observation: observation.place))


def settle(store: ObservationStore, published: Observation, *, now: Callable[[], datetime]) -> None:
    """After a photo's hash was stored, make it and its near-duplicates name the oldest of them.

    Newer ones may have been processed first. Existing references may be to a deleted observation
    that had the same id. Raises StoreUnavailable.
    """
    alike = _alike(store, published.uid, (published,))
    newer = (twin for twin in alike if twin.place > published.place)
    marked = store.duplicates_of(published.uid, published.id)
    _name_oldest(store, published.uid, (*newer, *marked, published), now=now)


def release(
    store: ObservationStore, uid: str, observation_id: str, *, now: Callable[[], datetime]
) -> None:
    """After an observation was marked for deletion or removed, let no other point to it.

    Raises StoreUnavailable.
    """
    _name_oldest(store, uid, store.duplicates_of(uid, observation_id), now=now)


def _name_oldest(
    store: ObservationStore,
    uid: str,
    twins: Collection[Observation],
    *,
    now: Callable[[], datetime],
) -> None:
    """Make each of some observations name the oldest one that looks like it, or none.

    One query serves all of them, and is repeated after each round of writes. So no observation
    names one that was marked for deletion before the last query; a later deletion finds the name
    and releases it.
    """
    while twins:
        alike = _alike(store, uid, twins)

        def name(current: Observation, alike: tuple[Observation, ...] = alike) -> Observation:
            original = _original(current, alike)
            if current.status is Status.DELETING or original == current.duplicate_of:
                return current
            return replace(current, duplicate_of=original, updated=now())

        stored = {twin.id: twin for twin in (*twins, *alike)}  # as last read
        named = (name(stored[twin.id]) for twin in twins)
        wrong = [twin for twin in named if twin != stored[twin.id]]
        # What was changed since it was read is changed by itself.
        changed = zip(wrong, store.replace_all(wrong) if wrong else (), strict=True)
        current = (done or update(store, uid, twin.id, name) for twin, done in changed)
        twins = [twin for twin in current if twin is not None]


def _original(observation: Observation, alike: Iterable[Observation]) -> str | None:
    """Id of the first of these that looks like it and is older, if there is one."""
    if observation.derived is None:
        return None
    for other in alike:
        if other.place >= observation.place:
            return None
        if other.derived and _near(other.derived.phash, (observation.derived.phash,)):
            return other.id
    return None


def _alike(
    store: ObservationStore, uid: str, observations: Iterable[Observation]
) -> tuple[Observation, ...]:
    phashes = {
        observation.derived.phash for observation in observations if observation.derived is not None
    }
    return store.similar(uid, phashes) if phashes else ()


def _near(phash: str, others: Collection[str]) -> bool:
    return any(bits_apart(phash, other) <= SIMILAR_BITS for other in others)
