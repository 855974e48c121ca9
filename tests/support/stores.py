"""Stores of observations, filled and read page by page."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from parrot.observation import Observation, Place
from parrot.store import ObservationStore

# For what the stores' contract does not depend on, told beside it: one store is enough.
on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


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
