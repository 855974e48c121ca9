"""Every store of observations fulfils the same contract."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client

from parrot.adapters.firestore import FirestoreObservations
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.errors import StoreUnavailable, TooManyRequests
from parrot.observation import (
    Attempts,
    Label,
    Observation,
    Opinion,
    Place,
    Status,
    document,
    restored,
)
from parrot.records import Reason
from parrot.sighting import Sighting
from parrot.store import ObservationStore, Use, update
from tests.support.observations import (
    DAY,
    KEA,
    NOW,
    derived,
    observation,
    processed,
    use,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path


def fill(store: ObservationStore, observations: list[Observation]) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert all(created for _, created in pool.map(store.create, observations))


def walk(
    store: ObservationStore,
    uid: str = "ana",
    *,
    size: int = 100,
    between: Callable[[], None] | None = None,
) -> list[str]:
    """Ids of all pages, one after the other."""
    listed: list[str] = []
    after: Place | None = None
    while True:
        page = store.page(uid, size=size, after=after)
        listed += [item.id for item in page.observations]
        if page.next is None:
            return listed
        assert len(page.observations) == size
        after = page.next
        if between is not None:
            between()


def claim(
    store: ObservationStore,
    key: str,
    name: str,
    *,
    now: datetime = NOW,
    limit: int = 100,
) -> str:
    use = Use("keys", limit, DAY, now.timestamp())
    return store.claim("ana", key * 64, name, expires=now + timedelta(days=7), use=use)


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


def test_creating_it_again_returns_the_first_one(store: ObservationStore) -> None:
    """The first save counts; the second gets what was saved."""
    store.create(observation())
    assert store.create(replace(observation(), media_type="image/png")) == (observation(), False)


def test_of_many_creators_exactly_one_creates_it(store: ObservationStore) -> None:
    """The 201 goes to one of them."""
    with ThreadPoolExecutor(8) as pool:
        results = [
            created for _, created in pool.map(lambda _: store.create(observation()), range(40))
        ]
    assert results.count(True) == 1


def test_a_change_has_the_next_revision_and_is_returned_as_stored(store: ObservationStore) -> None:
    """Callers go on with what is stored, and never count revisions themselves."""
    store.create(observation())
    changed = store.replace(replace(observation(), status=Status.READY))
    assert changed == replace(observation(), status=Status.READY, revision=2)
    assert store.get("ana", "id-00001") == changed


def test_a_change_of_a_stale_revision_is_refused_and_writes_nothing(
    store: ObservationStore,
) -> None:
    """Another writer was faster; what they wrote stays."""
    store.create(observation())
    store.replace(replace(observation(), status=Status.READY))
    assert not store.replace(replace(observation(), status=Status.REJECTED))
    stored = store.get("ana", "id-00001")
    assert stored is not None
    assert stored.status is Status.READY


def test_of_many_changes_of_one_revision_exactly_one_is_made(store: ObservationStore) -> None:
    """Two phones of one person, and the processing in between."""
    store.create(observation())
    changes = [replace(observation(), reason=f"change {number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(store.replace, changes))
    (winner,) = [number for number, stored in enumerate(made) if stored is not None]
    assert made[winner] == replace(changes[winner], revision=2)
    assert store.get("ana", "id-00001") == made[winner]


def test_an_update_changes_what_is_stored_by_now(store: ObservationStore) -> None:
    """However old the caller's own copy is."""
    store.create(observation())
    store.replace(replace(observation(), reason="since"))
    updated = update(store, "ana", "id-00001", lambda stored: replace(stored, sha256="f" * 64))
    assert updated == replace(observation(), reason="since", sha256="f" * 64, revision=3)
    assert store.get("ana", "id-00001") == updated


def test_an_update_that_changes_nothing_writes_nothing(store: ObservationStore) -> None:
    """A write would change the ETag, and fire every listener."""
    store.create(observation())
    assert update(store, "ana", "id-00001", copy) == observation()
    assert store.get("ana", "id-00001") == observation()


def test_an_update_of_nothing_is_none_and_makes_nothing(store: ObservationStore) -> None:
    """A late event must not bring anything back, and a user's own id is nobody else's."""
    store.create(observation(uid="bea"))
    assert update(store, "ana", "id-00001", lambda stored: replace(stored, width=9)) is None
    assert store.get("ana", "id-00001") is None


def test_an_update_that_raises_writes_nothing(store: ObservationStore) -> None:
    """The caller's own reasons to refuse pass through."""
    store.create(observation())

    def refuse(_stored: Observation) -> Observation:
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        update(store, "ana", "id-00001", refuse)
    assert store.get("ana", "id-00001") == observation()


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


def test_what_was_removed_is_gone_and_can_be_removed_again(store: ObservationStore) -> None:
    """A deletion that is repeated must not fail."""
    store.create(processed(1, "0" * 16))
    assert store.remove(processed(1, "0" * 16))
    assert not store.remove(processed(1, "0" * 16))
    assert store.get("ana", "id-00001") is None
    assert store.page("ana", size=10).observations == ()
    assert store.similar("ana", {"0" * 16}, distance=3) == ()


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


def test_of_many_removers_exactly_one_removes_it(store: ObservationStore) -> None:
    """And none of them fails."""
    store.create(observation())
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store.remove(observation()), range(16)))
    assert results.count(True) == 1


def test_observations_that_name_an_original_are_found(store: ObservationStore) -> None:
    """Whatever they look like by now, and whatever state they are in."""
    marked = replace(observation(2), duplicate_of="id-00001", status=Status.DELETING)
    twin = replace(processed(3, "f" * 16), duplicate_of="id-00001")
    other = replace(observation(4), duplicate_of="id-00002")
    theirs = replace(observation(5, "bea"), duplicate_of="id-00001")
    fill(store, [observation(1), marked, twin, other, theirs])
    assert store.duplicates_of("ana", "id-00001") == (marked, twin)
    assert store.duplicates_of("ana", "id-00009") == ()
    store.replace(replace(twin, duplicate_of=None))
    assert store.duplicates_of("ana", "id-00001") == (marked,)


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
    assert restored(stored) == judged


def test_no_user_reaches_another_users_observation(store: ObservationStore) -> None:
    """Not even by knowing its id."""
    store.create(processed(1, "0" * 16))
    assert store.get("bea", "id-00001") is None
    assert not store.replace(replace(observation(), uid="bea"))
    assert not store.remove(replace(observation(), uid="bea"))
    assert store.page("bea", size=10).observations == ()
    assert store.similar("bea", {"0" * 16}, distance=3) == ()
    assert store.create(observation(uid="bea"))[1]
    assert store.get("ana", "id-00001") == processed(1, "0" * 16)


def test_all_pages_together_are_everything_newest_first(store: ObservationStore) -> None:
    """2,000 observations, many of them of the same microsecond."""
    mine = [observation(number, seconds=number // 50) for number in range(2000)]
    random.Random(1).shuffle(mine)
    fill(store, [*mine, *(observation(number, "bea") for number in range(20))])
    newest_first = sorted(mine, key=lambda item: (item.created, item.id), reverse=True)
    assert walk(store) == [item.id for item in newest_first]


def test_a_whole_last_page_has_no_next(store: ObservationStore) -> None:
    """Otherwise a phone would ask for an empty page."""
    fill(store, [observation(number) for number in range(4)])
    assert len(walk(store, size=2)) == 4
    assert store.page("ana", size=4).next is None
    assert store.page("nobody", size=4).next is None


def test_pages_neither_repeat_nor_skip_what_stays_while_others_come_and_go(
    store: ObservationStore,
) -> None:
    """Saving and deleting go on while a phone turns pages."""
    fill(store, [observation(number, seconds=number) for number in range(60)])
    arrivals = iter(range(1000, 1100))

    def change() -> None:
        number = next(arrivals)
        store.create(observation(number, seconds=-number))  # newer than all
        store.create(observation(number + 500, seconds=10.5))  # between two that are there
        assert store.remove(observation(number % 60, seconds=number % 60))  # 40, 41, ...

    listed = walk(store, size=7, between=change)
    stayed = [f"id-{number:05}" for number in range(40)]
    assert [item for item in listed if item in stayed] == stayed
    assert len(set(listed)) == len(listed)


def test_the_place_of_a_removed_observation_still_ends_a_page(store: ObservationStore) -> None:
    """The page token names a place, not an observation."""
    fill(store, [observation(number, seconds=number) for number in range(4)])
    page = store.page("ana", size=2)
    store.remove(page.observations[-1])
    rest = store.page("ana", size=2, after=page.next)
    assert [item.id for item in rest.observations] == ["id-00002", "id-00003"]


def test_pages_are_filtered_by_the_label_that_counts_and_by_status(store: ObservationStore) -> None:
    """A relabelled observation moves to its new species' list."""
    relabelled = replace(observation(1), labels=(KEA, Label("amazona", 1, NOW)))
    unlabelled = replace(observation(2), labels=())
    ready = replace(observation(3), status=Status.READY)
    fill(store, [relabelled, unlabelled, ready])

    def ids(species: str | None = None, status: Status | None = None) -> set[str]:
        page = store.page("ana", size=10, species=species, status=status)
        return {item.id for item in page.observations}

    assert ids(species="amazona") == {relabelled.id}
    assert ids(species=KEA.species) == {ready.id}
    assert ids(status=Status.PENDING) == {relabelled.id, unlabelled.id}
    assert ids(species=KEA.species, status=Status.PENDING) == set()
    store.replace(replace(ready, labels=(KEA, Label("amazona", 1, NOW))))
    assert ids(species="amazona") == {relabelled.id, ready.id}
    assert ids(species=KEA.species) == set()


def test_what_is_being_deleted_is_not_listed_but_can_be_got(store: ObservationStore) -> None:
    """Users no longer see it; the deletion still has to find it."""
    store.create(processed(1, "0" * 16))
    store.replace(replace(processed(1, "0" * 16), status=Status.DELETING))
    assert store.page("ana", size=10).observations == ()
    assert store.page("ana", size=10, status=Status.DELETING).observations == ()
    assert store.similar("ana", {"0" * 16}, distance=3) == ()
    assert store.get("ana", "id-00001") is not None


def test_similar_finds_every_hash_within_three_bits_and_no_other(store: ObservationStore) -> None:
    """Whichever bits differ: three of them leave one of four quarters alone."""
    base = 0x0123456789ABCDEF
    chance = random.Random(2)
    hashes = {}
    for number, bits in enumerate([0, 1, 2, 3, 3, 3, 3, 4, 5, 16]):
        flipped = sum(1 << bit for bit in chance.sample(range(64), bits))
        hashes[f"id-{number:05}"] = (bits, f"{base ^ flipped:016x}")
    fill(store, [processed(int(name[3:]), phash) for name, (_, phash) in hashes.items()])
    store.create(observation(99))  # not processed yet
    listed = store.similar("ana", {f"{base:016x}"}, distance=3)
    assert {item.id for item in listed} == {name for name, (bits, _) in hashes.items() if bits <= 3}
    assert len(store.similar("ana", {f"{base:016x}"}, distance=0)) == 1


def test_many_hashes_are_looked_up_together(store: ObservationStore) -> None:
    """Two hundred without a common quarter: more than one Firestore query can hold."""
    hashes = [f"{number:04x}" * 4 for number in range(200)]
    fill(store, [processed(number, phash) for number, phash in enumerate(hashes)])
    listed = store.similar("ana", hashes[:150], distance=0)
    assert [item.id for item in listed] == [f"id-{number:05}" for number in range(150)]
    assert store.similar("ana", [], distance=3) == ()


def test_a_changed_hash_is_found_by_its_new_value_only(store: ObservationStore) -> None:
    """A photo that was replaced by another upload."""
    store.create(processed(1, "0" * 16))
    store.replace(processed(1, "f" * 16))
    assert store.similar("ana", {"0" * 16}, distance=3) == ()
    assert len(store.similar("ana", {"f" * 16}, distance=3)) == 1


def test_a_quota_is_used_up_once_and_starts_again_with_its_window(store: ObservationStore) -> None:
    """What was refused is not counted."""
    assert store.used("ana", "saves") == (0, 0)
    assert [store.take("ana", use(7)) for _ in range(3)] == [1, 2, 3]
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            store.take("ana", use(7))
    assert store.used("ana", "saves") == (7, 3)
    assert store.take("ana", use(8)) == 1
    with pytest.raises(TooManyRequests):
        store.take("ana", use(8, limit=1))
    assert store.take("bea", use(8)) == 1
    assert store.take("ana", use(8, quota="other")) == 1


def test_a_clock_that_goes_back_over_midnight_does_not_start_a_count_again(
    store: ObservationStore,
) -> None:
    """Two instances whose clocks differ would otherwise serve any number around midnight."""
    for window in (7, 8, 7, 8):
        with contextlib.suppress(TooManyRequests):
            store.take("ana", use(window, limit=2))
    assert store.used("ana", "saves") == (8, 2)
    with pytest.raises(TooManyRequests) as caught:
        store.take("ana", use(7, limit=2))
    assert caught.value.retry_after == 2 * DAY
    assert store.take("ana", use(5)) == 1  # the stored window was some wrong clock's


def test_what_is_unique_and_its_count_are_stored_together(store: ObservationStore) -> None:
    """Of duplicates only the one that is stored is counted; what is refused leaves nothing."""
    assert store.create(observation(1), use(1, limit=2)) == (observation(1), True)
    assert store.create(observation(1), use(1, limit=2)) == (observation(1), False)
    first = store.replace(observation(1), use(1, limit=2))
    assert first is not None
    assert store.used("ana", "saves") == (1, 2)
    assert store.replace(observation(1), use(1, limit=3)) is None  # stale
    assert store.create(first, use(1, limit=2)) == (first, False)
    with pytest.raises(TooManyRequests):
        store.create(observation(2), use(1, limit=2))
    with pytest.raises(TooManyRequests):
        store.replace(first, use(1, limit=2))
    assert store.get("ana", observation(2).id) is None
    assert store.get("ana", first.id) == first
    assert store.used("ana", "saves") == (1, 2)


def test_a_limit_is_reached_exactly_however_often_each_photo_is_sent_at_once(
    store: ObservationStore,
) -> None:
    """A phone that sends each photo twice must not lose any to its own repetition."""
    wanted = [observation(number) for number in range(6) for _ in range(2)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda each: store.create(each, use(1, limit=6))[1], wanted))
    assert sum(made) == len(walk(store)) == 6
    assert store.used("ana", "saves") == (1, 6)
    with pytest.raises(TooManyRequests):
        store.create(observation(6), use(1, limit=6))


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


def test_of_many_takers_at_once_exactly_the_limit_is_served(store: ObservationStore) -> None:
    """All instances count together."""
    with ThreadPoolExecutor(4) as pool:
        takers = [pool.submit(store.take, "ana", use(1, limit=5)) for _ in range(8)]
    refused = [taker for taker in takers if isinstance(taker.exception(), TooManyRequests)]
    assert len(refused) == 3
    assert sorted(taker.result() for taker in takers if taker not in refused) == [1, 2, 3, 4, 5]


def test_a_key_belongs_to_the_first_observation_until_it_expires(store: ObservationStore) -> None:
    """To each user's own; others may use the same words."""
    later, week = NOW + timedelta(days=1), NOW + timedelta(days=7)
    assert claim(store, "a", "id-1") == "id-1"
    assert claim(store, "a", "id-2", now=later) == "id-1"
    assert claim(store, "b", "id-2") == "id-2"
    theirs = Use("keys", 1, DAY, NOW.timestamp())
    assert store.claim("bea", "a" * 64, "id-3", expires=week, use=theirs) == "id-3"
    assert claim(store, "a", "id-4", now=week) == "id-4"
    assert claim(store, "a", "id-1", now=week) == "id-4"


def test_only_so_many_keys_of_a_day_are_remembered(store: ObservationStore) -> None:
    """Each is a document of the service's own; those that are known keep their meaning."""
    for key in "abc":
        assert claim(store, key, "id-1", limit=2) == "id-1"
    for _ in range(3):
        assert claim(store, "a", "id-2", limit=2) == "id-1"
    assert claim(store, "c", "id-2", limit=2) == "id-2"
    assert claim(store, "c", "id-2", limit=2, now=NOW + timedelta(days=1)) == "id-2"
    assert claim(store, "c", "id-1", limit=2, now=NOW + timedelta(days=1)) == "id-2"


def test_of_many_claims_at_once_exactly_one_counts(store: ObservationStore) -> None:
    """All of them get the same answer."""
    ids = [f"id-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        owners = list(
            pool.map(
                lambda name: claim(store, "a", name),
                ids,
            )
        )
    assert len(set(owners)) == 1
    assert owners[0] in ids


def test_two_processes_share_one_file(tmp_path: Path) -> None:
    """The functions run beside each other."""
    path = tmp_path / "observations.db"
    code = (
        "import sys; from pathlib import Path;"
        "from parrot.adapters.sqlite import SqliteObservations;"
        "from tests.support.observations import observation, use;"
        "store = SqliteObservations(Path(sys.argv[1]));"
        "[store.create(observation(n)) for n in range(100)];"
        "[store.take('ana', use(1, limit=1000)) for n in range(100)]"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], env={"PYTHONPATH": ":".join(sys.path)}
    )
    store = SqliteObservations(path)
    for number in range(100, 200):
        store.create(observation(number))
        store.take("ana", use(1, limit=1000))
    assert other.wait(30) == 0
    assert len(walk(store, size=50)) == 200
    assert store.take("ana", use(1, limit=1000)) == 201


def test_a_file_that_is_not_a_database_is_an_unavailable_store(tmp_path: Path) -> None:
    """A vendor's error must not cross the border."""
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable):
        SqliteObservations(tmp_path / "x.db")


def test_a_firestore_that_does_not_answer_is_an_unavailable_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor may gRPC's, and within a phone's patience."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    store = FirestoreObservations(Client("demo-parrot", credentials=AnonymousCredentials()))
    with pytest.raises(StoreUnavailable):
        store.get("ana", "id-00001")


def test_the_export_to_training_sees_every_users_observations(store: ObservationStore) -> None:
    """One query, whoever saved them."""
    fill(store, [observation(number, uid) for number in range(3) for uid in ("ana", "bea")])
    listed = sorted((item.uid, item.id) for item in store.everything())
    assert listed == [(uid, f"id-{number:05}") for uid in ("ana", "bea") for number in range(3)]
