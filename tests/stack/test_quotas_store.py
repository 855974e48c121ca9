"""Quotas and idempotency keys, as every store counts and remembers them."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from parrot.errors import TooManyRequests
from parrot.store import ObservationStore, Quota, Use
from tests.support.observations import DAY, NOW, observation, use
from tests.support.stores import walk


def claim(
    store: ObservationStore, key: str, name: str, *, now: datetime = NOW, limit: int = 100
) -> str:
    use = Use(Quota("keys", limit, DAY), now.timestamp())
    return store.claim("ana", key * 64, name, expires=now + timedelta(days=7), use=use)


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
    theirs = Use(Quota("keys", 1, DAY), NOW.timestamp())
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
        owners = list(pool.map(lambda name: claim(store, "a", name), ids))
    assert len(set(owners)) == 1
    assert owners[0] in ids
