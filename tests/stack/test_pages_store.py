"""Pages of a user's observations, as every store lists them."""

import random
from dataclasses import replace

from parrot.observation import Label, Status
from parrot.store import ObservationStore
from tests.support.observations import KEA, NOW, observation, processed
from tests.support.stores import fill, walk


def test_all_pages_together_are_everything_newest_first(store: ObservationStore) -> None:
    """Eight moments with fifty observations each, more than a page has."""
    mine = [observation(number, seconds=number // 50) for number in range(400)]
    random.Random(1).shuffle(mine)
    fill(store, [*mine, *(observation(number, "bea") for number in range(20))])
    newest_first = sorted(mine, key=lambda item: (item.created, item.id), reverse=True)
    assert walk(store, size=20) == [item.id for item in newest_first]


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
    assert store.similar("ana", {"0" * 16}) == ()
    assert store.get("ana", "id-00001") is not None
