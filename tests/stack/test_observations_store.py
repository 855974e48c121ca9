"""Every store of observations fulfils the same contract."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.documents import document, restored
from parrot.errors import StoreUnavailable
from parrot.observation import Attempts, Label, Observation, Opinion, Status
from parrot.records import Reason
from parrot.sighting import Sighting
from parrot.store import ObservationStore
from tests.support.observations import KEA, NOW, derived, observation, processed, verdict
from tests.support.stores import fill


def test_what_was_created_is_read_back_whole(store: ObservationStore) -> None:
    """Microseconds, time zone and all."""
    plain = observation(1)
    full = replace(
        observation(2),
        labels=(KEA, Label("amazona", 1, NOW + timedelta(days=1))),
        status=Status.NEEDS_REVIEW,
        generation="1700000000000001",
        verdict=replace(verdict("amazona"), is_parrot=False, maybe=True, reason=Reason.BLURRED),
        derived=derived("00ff00ff00ff00ff"),
        duplicate_of="id-00001",
        reason="none",
        attempts=Attempts("1700000000000001", 2),
        consent=Consent(given=True, at=NOW),
        learnt_by=("2026-11-22",),
        sighting=Sighting("2026-05-03T10:15:00", 37.571, 126.977),
        opinions=(Opinion("eve", "amazona", NOW),),
        lease=NOW + timedelta(seconds=90),
        created=NOW.replace(microsecond=0),
    )
    for wanted in (plain, full):
        assert store.create(wanted) == (wanted, True)
        assert store.get("ana", wanted.id) == wanted


def test_of_many_creators_exactly_one_creates_it_and_all_get_that_one(
    store: ObservationStore,
) -> None:
    """The 201 goes to one of them."""
    wanted = [replace(observation(), reason=f"of creator {number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(store.create, wanted))
    (winner,) = [stored for stored, created in results if created]
    assert [stored for stored, _ in results] == [winner] * 40
    assert store.get("ana", winner.id) == winner


def test_what_was_removed_is_gone_and_can_be_removed_again(store: ObservationStore) -> None:
    """A deletion that is repeated must not fail."""
    store.create(processed(1, "0" * 16))
    assert store.remove(processed(1, "0" * 16))
    assert not store.remove(processed(1, "0" * 16))
    assert store.get("ana", "id-00001") is None
    assert store.page("ana", size=10).observations == ()
    assert store.similar("ana", {"0" * 16}) == ()


def test_of_many_removers_exactly_one_removes_it(store: ObservationStore) -> None:
    """And none of them fails."""
    store.create(observation())
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store.remove(observation()), range(16)))
    assert results.count(True) == 1


def test_unfinished_observations_are_found_least_recently_changed_first(
    store: ObservationStore,
) -> None:
    """Of all users; finished ones never, however old."""

    def changed(number: int, uid: str, status: Status, minutes: int) -> Observation:
        return replace(
            observation(number, uid), status=status, updated=NOW - timedelta(minutes=minutes)
        )

    waiting = changed(1, "ana", Status.PENDING, 11)
    half = changed(2, "bea", Status.DELETING, 30)
    waiting_longer = changed(3, "bea", Status.PENDING, 20)
    others = [
        changed(4, "ana", Status.PENDING, 10),  # not before, but just then
        changed(5, "ana", Status.READY, 90),
        changed(6, "ana", Status.NEEDS_REVIEW, 90),
        changed(7, "ana", Status.REJECTED, 90),
    ]
    fill(store, [waiting, half, waiting_longer, *others])
    before = NOW - timedelta(minutes=10)
    assert store.unfinished(before=before, limit=9) == (half, waiting_longer, waiting)
    assert store.unfinished(before=before, limit=2) == (half, waiting_longer)
    store.replace(replace(half, updated=NOW))
    assert store.unfinished(before=before, limit=2) == (waiting_longer, waiting)


def test_a_document_of_an_older_release_is_read() -> None:
    """An update of the functions must not make what is stored unreadable."""
    judged = replace(observation(), verdict=replace(verdict("amazona"), likely=None))
    stored = document(judged)
    del stored["sighting"]
    del stored["attempts"], stored["lease"], stored["consent"], stored["learnt_by"]
    del stored["opinions"]
    del stored["verdict"]["likely"], stored["verdict"]["maybe"]
    stored["verdict"]["of a later revision"] = 1
    del stored["form"]
    assert restored(stored) == replace(judged, form=1)


def test_no_user_reaches_another_users_observation(store: ObservationStore) -> None:
    """Not even by knowing its id."""
    store.create(processed(1, "0" * 16))
    assert store.get("bea", "id-00001") is None
    assert not store.replace(replace(observation(), uid="bea"))
    assert not store.remove(replace(observation(), uid="bea"))
    assert store.page("bea", size=10).observations == ()
    assert store.similar("bea", {"0" * 16}) == ()
    assert store.create(observation(uid="bea"))[1]
    assert store.get("ana", "id-00001") == processed(1, "0" * 16)


def test_a_file_that_is_not_a_database_is_an_unavailable_store(tmp_path: Path) -> None:
    """A vendor's error must not cross the border."""
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable):
        SqliteObservations(tmp_path / "x.db")
