"""Reviewers decide what people and the model disagree about, and learn nothing else."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest

from parrot import deadline
from parrot.consent import Consent, Training
from parrot.errors import Conflict, Forbidden, InvalidRequest, NotFound, StoreUnavailable
from parrot.observation import Observation, Opinion, Status
from parrot.quota import User
from parrot.review import TIES, handle
from parrot.reviews import Reviews, unsay, withdraw
from parrot.store import ObservationStore
from tests.support.observations import NOW, at, processed, verdict
from tests.support.processing import Counted, Killed, MemoryPhotos, Steps, die
from tests.support.stores import fill, on_sqlite

KEA, GALAH = "nestor-notabilis", "eolophus-roseicapilla"
RAY, SUE, TOM = (User(name, reviewer=True) for name in ("ray", "sue", "tom"))


def contested(number: int, uid: str = "ana", sure: float = 0.9, **changes: Any) -> Observation:
    """A kea for the person, a galah for the model."""
    row = replace(
        processed(number, f"{number:016x}", uid),
        status=Status.NEEDS_REVIEW,
        verdict=replace(verdict(GALAH), species_probability=sure),
        consent=Consent(given=True, at=NOW),
    )
    return replace(row, **changes)


def reviews(store: ObservationStore) -> Reviews:
    return Reviews(store, MemoryPhotos(), {KEA: 14, GALAH: 60})


def test_what_teaches_most_comes_first_and_never_two_of_one_person_in_a_row(
    store: ObservationStore,
) -> None:
    """A reviewer's own are left out, and so is what they decided or nobody allows."""
    rows = [
        contested(1, sure=0.9),
        contested(2, sure=0.8),
        contested(3, "bea", sure=0.7),
        contested(4, "ray", sure=0.99),
        contested(5, consent=None),
        contested(6, "bea", opinions=(Opinion("ray", KEA, NOW),)),
        contested(7, "bea", opinions=(Opinion("sue", KEA, NOW),)),
    ]
    for row in rows:
        store.create(row)
    desk = reviews(store)
    names = [row.id[-1] for row in desk.next(RAY, size=10)]
    assert names == ["7", "2", "3", "1"]
    assert [row.id[-1] for row in desk.next(RAY, size=2)] == names[:2]
    assert desk.summary(RAY) == (6, {KEA: 6})
    with pytest.raises(Forbidden):
        desk.next(User("mallory"), size=1)


def test_who_works_alone_is_shown_what_nobody_began(
    store: ObservationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they said stays the most urgent until a second one comes, and hid all others."""
    monkeypatch.setattr("parrot.reviews._LOOKED_AT", 3)
    begun = (Opinion("ray", GALAH, NOW),)
    fill(store, [contested(number, opinions=begun) for number in range(3)])
    fill(store, [contested(number, f"p{number}") for number in range(3, 8)])
    desk = reviews(store)
    assert len(desk.next(RAY, size=2)) == 2
    assert [row.uid for row in desk.next(SUE, size=2)] == ["ana", "ana"]
    store.create(contested(8, "bea", opinions=(Opinion("sue", GALAH, NOW),)))
    assert [row.uid for row in desk.next(RAY, size=9)].count("bea") == 1


def test_a_small_page_reads_little_and_hides_nothing_urgent(
    store: ObservationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each document is a read: 500 for a page of one. More only if the first ones are no use."""
    read: list[Observation] = []
    to_review = store.to_review

    def counted(**options: Any) -> tuple[Observation, ...]:
        rows = to_review(**options)
        read.extend(rows)
        return rows

    monkeypatch.setattr(store, "to_review", counted)
    fill(store, [contested(number, f"p{number}") for number in range(60)])
    assert len(reviews(store).next(RAY, size=1)) == 1
    assert len(read) == 50
    mine = (Opinion("ray", GALAH, NOW),)
    fill(store, [contested(number, "bea", opinions=mine) for number in range(60, 115)])
    store.create(contested(115, "zoe", sure=0.99, opinions=(Opinion("sue", GALAH, NOW),)))
    assert [row.uid for row in reviews(store).next(RAY, size=1)] == ["zoe"]


@pytest.mark.parametrize("ties", [TIES, 0])
@on_sqlite
def test_a_flood_of_one_account_delays_nobody_else(
    store: ObservationStore, monkeypatch: pytest.MonkeyPatch, ties: float
) -> None:
    """A day's saves that the model doubts were all that reviewers saw, page after page.

    Also what an older release stored, all of it equally urgent.
    """
    monkeypatch.setattr("parrot.reviews._LOOKED_AT", 5)
    with monkeypatch.context() as older:
        older.setattr("parrot.review.TIES", ties)
        fill(store, [contested(number, "mallory", sure=0.1) for number in range(12)])
        fill(store, [contested(number, f"p{number}") for number in range(12, 15)])
    page = [row.uid for row in reviews(store).next(RAY, size=8)]
    assert sorted(page[:5]) == ["mallory", "mallory", "p12", "p13", "p14"]
    assert set(page[5:]) == {"mallory"}, "who waits, but is not refused"


def test_two_reviewers_at_once_both_count(store: ObservationStore) -> None:
    """Neither overwrites the other, and a third comes too late."""
    store.create(contested(1))
    desk, name = reviews(store), handle("ana", "id-00001")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda who: desk.decide(who, name, GALAH), (RAY, SUE)))
    stored = store.by_handle(name)
    assert stored is not None
    assert (stored.status, len(stored.opinions)) == (Status.READY, 2)
    assert desk.next(TOM, size=1) == []
    with pytest.raises(Conflict):
        desk.decide(TOM, name, KEA)
    taken_back = desk.decide(SUE, name, KEA)  # who decided may think again
    assert (taken_back.status, len(taken_back.opinions)) == (Status.READY, 2)


def test_a_decision_killed_after_any_call_counts_once_when_it_is_sent_again(
    store: ObservationStore,
) -> None:
    """The answer was lost, so nobody knows whether it was made."""
    for call in range(1, 99):
        name = handle("ana", store.create(contested(call))[0].id)
        counted = cast("ObservationStore", Counted(store, Steps(call, die)))
        try:
            Reviews(counted, MemoryPhotos(), {GALAH: 60}).decide(RAY, name, GALAH)
        except Killed:
            again = reviews(store).decide(RAY, name, GALAH)
            assert [one.reviewer for one in again.opinions] == ["ray"], call
            assert reviews(store).decide(SUE, name, GALAH).status is Status.READY
            continue
        break
    assert call > len(("by_handle", "get", "replace"))


@on_sqlite
def test_what_is_none_of_a_reviewers_business_does_not_exist(store: ObservationStore) -> None:
    """Also once a person takes back that it may train, in the middle of a review."""
    row, _ = store.create(contested(1))
    desk, name = reviews(store), handle("ana", "id-00001")
    with pytest.raises(InvalidRequest):
        desk.decide(RAY, name, "dodo")
    with pytest.raises(Forbidden):
        desk.decide(User("ana", reviewer=True), name, GALAH)
    store.replace(replace(row, consent=Consent(given=False, at=NOW)))
    for call in (lambda: desk.decide(RAY, name, GALAH), lambda: desk.image(RAY, name)):
        with pytest.raises(NotFound):
            call()


def test_a_reviewer_who_leaves_leaves_opinions_without_a_name(store: ObservationStore) -> None:
    """What they said counts on, but not twice, should they come back."""
    for number in (1, 2):
        store.create(contested(number, opinions=(Opinion("ray", GALAH, NOW),)))
    withdraw(store, "ray")
    assert store.by_reviewer("ray", limit=9) == ()
    rows = store.to_review(limit=9)
    names = {one.reviewer for row in rows for one in row.opinions}
    assert (len(rows), len(names), any("ray" in name for name in names)) == (2, 2, False)
    desk, name = reviews(store), handle("ana", "id-00001")
    assert desk.next(RAY, size=9) == []
    again = desk.decide(RAY, name, GALAH)
    assert (again.status, len(again.opinions)) == (Status.NEEDS_REVIEW, 1)
    assert desk.decide(SUE, name, GALAH).status is Status.READY


@on_sqlite
def test_what_a_reviewer_said_who_lied_is_open_to_others(store: ObservationStore) -> None:
    """It was settled with a hostile owner, so nobody else could decide it, and it trained."""
    lies, agreed = Opinion("ray", KEA, NOW), Opinion("tom", KEA, NOW)
    store.create(contested(1, opinions=(lies,), status=Status.READY))
    store.create(contested(2, opinions=(lies, agreed), status=Status.READY))
    store.create(contested(3, opinions=(lies,), status=Status.DELETING))
    desk, name = reviews(store), handle("ana", "id-00001")
    with pytest.raises(Conflict):
        desk.decide(SUE, name, GALAH)
    withdraw(store, "ray")  # who leaves leaves that behind
    assert (unsay(store, RAY), unsay(store, RAY)) == (3, 0)
    statuses = {row.id[-1]: (row.status, len(row.opinions)) for row in store.of("ana", limit=9)}
    assert statuses == {
        "1": (Status.NEEDS_REVIEW, 0),
        "2": (Status.READY, 1),  # of another one, who agrees with the owner
        "3": (Status.DELETING, 0),
    }
    assert len(desk.decide(SUE, name, GALAH).opinions) == 1


@on_sqlite
def test_settled_photos_that_look_alike_stand_beside_the_one_to_decide(
    store: ObservationStore,
) -> None:
    """The nearest ones, but none of the reviewer's own, and none that only seem alike."""
    both = (Opinion("sue", GALAH, NOW), Opinion("tom", GALAH, NOW))
    ready: dict[str, Any] = {"opinions": both, "status": Status.READY}
    store.create(contested(1, embedded=at(0)))
    for number in range(2, 9):
        store.create(contested(number, f"p{number}", embedded=at(5 * number), **ready))
    store.create(contested(9, "ray", embedded=at(1), **ready))
    desk = reviews(store)
    (beside,) = desk.examples(RAY, desk.next(RAY, size=9))
    assert [each.observation.id[-1] for each in beside] == ["2", "3", "4", "5"]
    assert {each.species for each in beside} == {GALAH}
    assert beside[0].distance == pytest.approx(1 - math.cos(math.radians(10)))
    far = contested(1, embedded=at(180))
    assert desk.examples(RAY, [far, contested(2)]) == [[], []]


@on_sqlite
def test_reviewers_work_on_where_the_store_cannot_search(
    store: ObservationStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Firestore refuses to search until its index is built; nor may a slow one hold a review up."""
    seconds: list[float] = []

    def breaks_off(*_args: object, **_options: object) -> tuple[Observation, ...]:
        seconds.append(deadline.left(60))
        if len(seconds) == 1:
            return ()
        raise StoreUnavailable("observations cannot be read or written now (FailedPrecondition)")

    for number in range(3):
        store.create(contested(number, embedded=at(40 * number)))
    monkeypatch.setattr(type(store), "nearest", breaks_off)
    desk = reviews(store)
    assert desk.examples(RAY, desk.next(RAY, size=3)) == [[]], "what was found before stays"
    assert "reviews without similar photos: " in caplog.text
    assert (len(seconds), max(seconds) <= 3) == (2, True)


@on_sqlite
def test_where_nothing_trains_nobody_reviews(store: ObservationStore) -> None:
    """Whatever people allowed before: it was for training."""
    store.create(contested(1))
    desk = Reviews(store, MemoryPhotos(), {KEA: 14, GALAH: 60}, training=Training.OFF)
    name = handle("ana", "id-00001")
    for call in (
        lambda: desk.next(RAY, size=1),
        lambda: desk.summary(RAY),
        lambda: desk.image(RAY, name),
        lambda: desk.examples(RAY, []),
        lambda: desk.decide(RAY, name, GALAH),
    ):
        with pytest.raises(Forbidden):
            call()
