"""Firestore that refuses, falls silent, breaks off or loses its answer.

Google's own client talks gRPC to a server that fails as scripted, with the emulator behind it.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import grpc
import pytest
from google.cloud.firestore import Client

from parrot import deadline
from parrot.adapters.firestore import FirestoreObservations
from parrot.errors import StoreUnavailable
from parrot.http import problems
from parrot.observation import Observation
from parrot.store import update
from tests.support.failing_firestore import Fault, Front, failing
from tests.support.firestore import HOST
from tests.support.observations import KEA, NOW, at, observation, use
from tests.support.waiting import soon

SECONDS = 0.2
FAULTS = {
    "unavailable": Fault(grpc.StatusCode.UNAVAILABLE),
    "forbidden": Fault(grpc.StatusCode.PERMISSION_DENIED),
    "silent": Fault(),
    "garbage": Fault(garbage=True),
}
STORED, OTHER = observation(1), observation(2)
CALLS: dict[str, Callable[[FirestoreObservations], object]] = {
    "get": lambda store: store.get(STORED.uid, STORED.id),
    "create": lambda store: store.create(OTHER),
    "update": lambda store: update(store, STORED.uid, STORED.id, relabelled),
    "remove": lambda store: store.remove(STORED),
    "page": lambda store: store.page(STORED.uid, size=10),
    "similar": lambda store: store.similar(STORED.uid, ["0" * 16]),
    "nearest": lambda store: store.nearest(at(0), uid=STORED.uid, limit=10),
    "to review": lambda store: store.to_review(limit=10),
    "duplicates": lambda store: store.duplicates_of(STORED.uid, STORED.id),
    "unfinished": lambda store: store.unfinished(before=NOW, limit=10),
    "create counted": lambda store: store.create(OTHER, use(1, quota="counted")),
    "replace all": lambda store: store.replace_all([STORED]),
    "take": lambda store: store.take("ana", use(1)),
    "used": lambda store: store.used("ana", "saves"),
    "claim": lambda store: store.claim("ana", "k", STORED.id, expires=NOW, use=use(1, quota="k")),
}


def relabelled(stored: Observation) -> Observation:
    return replace(stored, labels=(*stored.labels, replace(KEA, species="amazona")))


@pytest.fixture
def front(
    firestore: Callable[[], Client],  # noqa: ARG001 - the emulator has to run
) -> Iterator[Front]:
    """A server in front of the emulator."""
    with failing(os.environ[HOST]) as started:
        yield started


@pytest.fixture
def store(
    front: Front, firestore: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> FirestoreObservations:
    """A store with one observation, whose client has not seen a failure."""
    project = firestore().project
    monkeypatch.setenv(HOST, front.address)
    store = FirestoreObservations(Client(project))
    store.create(STORED)
    return store


def refused(store: FirestoreObservations, front: Front, fault: Fault, call: str) -> None:
    """503 with Retry-After within the request's deadline, and nothing written."""
    front.fail(fault)
    with soon(), deadline.within(SECONDS), pytest.raises(StoreUnavailable) as raised:
        CALLS[call](store)
    response = problems.response_for(raised.value)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert "scripted" not in response.get_data(as_text=True)
    front.recover()
    assert store.get(STORED.uid, STORED.id) == STORED
    assert store.get(OTHER.uid, OTHER.id) is None
    assert store.used("ana", "saves") == (0, 0)


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_firestore_does_the_caller_gets_a_retryable_error_in_time(
    store: FirestoreObservations, front: Front, fault: str
) -> None:
    """A change is a transaction: it has the most calls that may fail."""
    refused(store, front, FAULTS[fault], "update")
    CALLS["update"](store)


@pytest.mark.parametrize("call", CALLS)
def test_no_call_waits_for_silence_and_one_failure_is_repeated_unseen(
    store: FirestoreObservations, front: Front, call: str
) -> None:
    """Google moves servers all the time: a single UNAVAILABLE must not reach a phone."""
    refused(store, front, FAULTS["silent"], call)
    front.fail(Fault(grpc.StatusCode.UNAVAILABLE), times=1)
    with deadline.within(10):
        CALLS[call](store)


@pytest.mark.parametrize("fault", [FAULTS["silent"], FAULTS["unavailable"]])
@pytest.mark.parametrize("half", [False, True])
def test_a_truncated_answer_is_not_an_answer(
    store: FirestoreObservations, front: Front, fault: Fault, *, half: bool
) -> None:
    """A list that ends early would look like lost photos."""
    for number in range(3, 9):
        store.create(observation(number))
    front.fail(replace(fault, reaches=True, half=half))
    with deadline.within(SECONDS), pytest.raises(StoreUnavailable):
        store.page(STORED.uid, size=10)
    front.recover()
    assert len(store.page(STORED.uid, size=10).observations) == 7


@pytest.fixture
def losing(store: FirestoreObservations, front: Front) -> FirestoreObservations:
    """Its next commit is made, and the answer to it is lost."""
    front.fail(Fault(grpc.StatusCode.UNAVAILABLE, reaches=True), method="Commit", times=1)
    return store


def test_a_creation_whose_answer_is_lost_is_the_same_observation(
    losing: FirestoreObservations,
) -> None:
    """The library repeats it, and is told that it exists."""
    stored, _ = losing.create(OTHER)
    assert stored == OTHER == losing.get(OTHER.uid, OTHER.id)


def test_a_change_whose_answer_is_lost_is_made_once(losing: FirestoreObservations) -> None:
    """Twice the same label would look like two changes of mind."""

    def once(stored: Observation) -> Observation:
        return stored if len(stored.labels) > 1 else relabelled(stored)

    changed = update(losing, STORED.uid, STORED.id, once)
    assert changed is not None
    assert len(changed.labels) == 2
    assert losing.get(STORED.uid, STORED.id) == changed


def test_a_removal_whose_answer_is_lost_has_removed_it(losing: FirestoreObservations) -> None:
    """The caller learns that it is gone, without an error."""
    losing.remove(STORED)
    assert losing.get(STORED.uid, STORED.id) is None


def test_a_quota_whose_answer_is_lost_errs_on_the_safe_side(losing: FirestoreObservations) -> None:
    """It may count one request twice; it never lets one more through."""
    used = [losing.take("ana", use(1)) for _ in range(2)]
    assert used in ([1, 2], [2, 3])


def test_a_counted_creation_whose_answer_is_lost_is_counted_once(
    losing: FirestoreObservations,
) -> None:
    """Both or neither: the repetition finds the observation and counts nothing."""
    stored, _ = losing.create(OTHER, use(1))
    assert stored == OTHER == losing.get(OTHER.uid, OTHER.id)
    assert losing.used("ana", "saves") == (1, 1)


def test_a_change_overtaken_by_its_repetition_is_not_over_the_quota(
    store: FirestoreObservations, front: Front
) -> None:
    """Of two deliveries of one event, the later must not reject what the other has counted."""
    calls = []

    def overtake(called: str) -> None:
        calls.append(called)
        if len(calls) == 2:  # between reading the document and reading the count
            front.recover()
            assert store.replace(STORED, use(1, limit=1)) is not None

    front.script = overtake
    assert store.replace(STORED, use(1, limit=1)) is None
    assert store.used("ana", "saves") == (1, 1)


def test_a_key_whose_answer_is_lost_belongs_to_its_claimant(losing: FirestoreObservations) -> None:
    """Otherwise a phone's retry would be refused as another photo's."""
    later = NOW.replace(year=NOW.year + 1)
    for wanted in (STORED, OTHER):
        assert losing.claim("ana", "k", wanted.id, expires=later, use=use(1)) == STORED.id


def test_a_deadline_that_is_over_asks_nothing_more(
    store: FirestoreObservations, front: Front
) -> None:
    """A request that has lost its client must not keep Firestore busy."""
    front.fail(FAULTS["unavailable"])
    before = len(front.calls)
    with deadline.within(SECONDS), pytest.raises(StoreUnavailable):
        update(store, STORED.uid, STORED.id, relabelled)
    asked = len(front.calls)
    time.sleep(4 * SECONDS)
    assert before < asked == len(front.calls)
