"""Changes of one observation by many writers, as every store makes and refuses them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace

import pytest

from parrot.errors import StoreUnavailable
from parrot.observation import Label, Observation, Status
from parrot.store import ObservationStore, update
from tests.support.observations import NOW, observation
from tests.support.stores import fill, on_sqlite


def test_a_change_has_the_next_revision_and_is_returned_as_stored(store: ObservationStore) -> None:
    """Callers go on with what is stored, and never count revisions themselves."""
    store.create(observation())
    changed = store.replace(replace(observation(), status=Status.READY))
    assert changed == replace(observation(), status=Status.READY, revision=2)
    assert store.get("ana", "id-00001") == changed


def test_of_many_changes_of_one_revision_exactly_one_is_made(store: ObservationStore) -> None:
    """Two phones of one person, and the processing in between."""
    store.create(observation())
    changes = [replace(observation(), reason=f"change {number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(store.replace, changes))
    (winner,) = [number for number, stored in enumerate(made) if stored is not None]
    assert made[winner] == replace(changes[winner], revision=2)
    assert store.get("ana", "id-00001") == made[winner]


@on_sqlite
def test_an_update_that_changes_nothing_writes_nothing(store: ObservationStore) -> None:
    """A write would change the ETag, and fire every listener."""
    store.create(observation())
    assert update(store, "ana", "id-00001", copy) == observation()
    assert store.get("ana", "id-00001") == observation()


@on_sqlite
def test_an_update_of_nothing_is_none_and_makes_nothing(store: ObservationStore) -> None:
    """A late event must not bring anything back, and a user's own id is nobody else's."""
    store.create(observation(uid="bea"))
    assert update(store, "ana", "id-00001", lambda stored: replace(stored, width=9)) is None
    assert store.get("ana", "id-00001") is None


@on_sqlite
def test_an_update_starts_again_from_what_overtook_it(store: ObservationStore) -> None:
    """The other change stays; so does an observation that was made again meanwhile."""
    store.create(observation())
    changed = replace(observation(), sha256="f" * 64, revision=2)
    again = replace(observation(seconds=-1), height=9)

    def others() -> Iterator[None]:
        assert store.replace(replace(observation(), sha256="f" * 64)) == changed
        yield
        assert store.remove(changed)
        store.create(again)
        yield

    turns = others()
    seen: list[Observation] = []

    def change(stored: Observation) -> Observation:
        seen.append(stored)
        next(turns, None)
        return replace(stored, reason="mine")

    assert update(store, "ana", "id-00001", change) == replace(again, reason="mine", revision=2)
    assert seen == [observation(), changed, again]


def test_many_updates_at_once_all_count(store: ObservationStore) -> None:
    """Nobody's change is lost, whoever was faster."""
    store.create(observation())

    def append(index: int) -> Observation | None:
        label = Label("amazona", index, NOW)
        return update(
            store, "ana", "id-00001", lambda stored: replace(stored, labels=(*stored.labels, label))
        )

    with ThreadPoolExecutor(8) as pool:
        assert None not in list(pool.map(append, range(8)))
    stored = store.get("ana", "id-00001")
    assert stored is not None
    assert {label.index for label in stored.labels[1:]} == set(range(8))
    assert stored.revision == 9


@on_sqlite
def test_an_update_that_is_always_overtaken_gives_up(store: ObservationStore) -> None:
    """With an error that says to try later, not for ever."""
    store.create(observation())

    def change(stored: Observation) -> Observation:
        store.replace(replace(stored, width=stored.width + 1))
        return replace(stored, reason="too slow")

    with pytest.raises(StoreUnavailable, match="too many concurrent changes"):
        update(store, "ana", "id-00001", change)
    stored = store.get("ana", "id-00001")
    assert stored is not None
    assert stored.reason is None


def test_a_change_does_not_bring_back_what_was_removed(store: ObservationStore) -> None:
    """A late event must not resurrect anything."""
    store.create(observation())
    store.remove(observation())
    assert not store.replace(observation())
    assert store.get("ana", "id-00001") is None


def test_a_later_version_is_neither_removed_nor_changed(store: ObservationStore) -> None:
    """Neither one that was created again with the same revision, nor one that was changed."""
    old, again = observation(), observation(seconds=-1)
    store.create(again)
    assert not store.remove(old)
    assert not store.replace(old)
    assert store.get("ana", old.id) == again
    store.replace(again)
    assert not store.remove(again)
    assert store.remove(replace(again, revision=2))
    assert store.get("ana", old.id) is None


def test_many_changes_are_made_together_except_stale_ones(store: ObservationStore) -> None:
    """450 near-duplicates of a deleted photo, one by one, would outlast a phone's patience."""
    many = [observation(number) for number in range(450)]
    fill(store, many)
    store.replace(many[7])
    wanted = [replace(each, duplicate_of="x") for each in many]
    done = store.replace_all(wanted)
    assert done[7] is None
    stored = [each for each in done if each is not None]
    assert len(stored) >= 350  # the rest of its batch may wait
    assert sorted(stored, key=lambda each: each.id) == sorted(
        store.duplicates_of("ana", "x"), key=lambda each: each.id
    )
    assert store.replace_all([]) == ()
