"""An erasure of everything of one person: killed, repeated and overtaken, it leaves nothing."""

from dataclasses import replace

import pytest

from parrot import deadline
from parrot.erasure import Eraser
from parrot.observation import EPOCH, Opinion, Status, derived_name, photo_name
from parrot.observations import Observations
from parrot.quota import User
from parrot.receipt import Erasure
from parrot.store import ObservationStore
from tests.support.observations import NOW, observation, use
from tests.support.processing import Counted, Killed, MemoryPhotos, Steps, die
from tests.support.stores import on_sqlite

ANA, BEA = User("ana"), User("bea")
MOST_STEPS = 100
SAVED = 2


class Everything:
    """All that two people have, and what is left of it."""

    def __init__(self, store: ObservationStore) -> None:
        self.store, self.photos = store, MemoryPhotos()
        self.removed: list[str] = []

    def save(self, uid: str) -> None:
        for number in range(SAVED):
            row = replace(
                observation(number, uid),
                learnt_by=("b-1",),
                status=Status.READY,
                opinions=(Opinion("ana" if uid == "bea" else "zoe", "kea", NOW),),
            )
            self.store.create(row, use(1, limit=999))
            self.photos.upload(row.object_name, b"photo")
            self.photos.upload(derived_name(uid, row.id, "image"), b"copy")
        self.photos.upload(photo_name(uid, "never-seen"), b"its event is on its way")
        self.store.claim(uid, "a" * 64, "id-1", expires=NOW, use=use(1, quota="keys"))

    def eraser(self, steps: Steps | None = None) -> Eraser:
        steps = steps or Steps()
        store, photos = Counted(self.store, steps), Counted(self.photos, steps)
        return Eraser(
            store,
            photos,
            Observations(store, photos),
            remove_user=Counted(self, steps).end,
            now=lambda: NOW,
        )

    def end(self, uid: str) -> None:
        self.removed.append(uid)

    def left(self, uid: str) -> list[object]:
        rows: list[object] = [row.id for row in self.store.of(uid, limit=99)]
        rows += [row.id for row in self.store.by_reviewer(uid, limit=99)]
        owner = self.store.claim(uid, "a" * 64, "", expires=EPOCH, use=use(1, limit=999))
        keys = [owner] if owner else []
        return [*rows, *self.photos.list_all(uid), *keys]


@pytest.fixture
def everything(store: ObservationStore) -> Everything:
    return Everything(store)


def test_an_erasure_killed_after_any_step_is_finished_by_the_next(everything: Everything) -> None:
    """Nothing is left, each observation is counted once, and nobody else loses anything."""
    everything.save("bea")
    others, killed_at = everything.left("bea"), 0
    for at in range(1, MOST_STEPS):
        everything.save("ana")
        steps = Steps(at, die)
        try:
            everything.eraser(steps).erase(ANA)
        except Killed:
            killed_at = at
        erasure = everything.eraser().erase(ANA)
        assert erasure.finished is not None
        assert (erasure.removed, erasure.bundles) == (SAVED, ("b-1",)), steps.names
        assert everything.left("ana") == []
        assert everything.removed[-1] == "ana"
        if steps.count < at:
            break
    assert killed_at > 20
    assert everything.left("bea") == others


@on_sqlite
def test_an_erasure_ends_however_little_time_each_request_has(everything: Everything) -> None:
    """REQUEST_SECONDS may be less than what a request keeps for its end."""
    everything.save("ana")
    finished = []
    for _ in range(SAVED + 1):
        with deadline.within(8):
            finished.append(everything.eraser().erase(ANA).finished)
    assert finished == [*[None] * SAVED, NOW]


@on_sqlite
def test_who_asks_again_gets_the_same_receipt_until_something_was_saved(
    everything: Everything,
) -> None:
    """The answer may have been lost on its way."""
    everything.save("ana")
    first = everything.eraser().erase(ANA)
    assert everything.eraser().erase(ANA) == first
    everything.save("ana")
    again = everything.eraser().erase(ANA)
    assert (again.removed, again.revision > first.revision) == (SAVED, True)
    nothing = everything.eraser().erase(BEA)
    assert (nothing.removed, nothing.finished) == (0, NOW)


@on_sqlite
def test_who_asks_again_loses_what_came_since(everything: Everything) -> None:
    """Opinions, keys, and uploads whose event is late are no observations, but about the person."""
    first = everything.eraser().erase(ANA)
    everything.save("bea")  # ana said something about her photos
    everything.photos.upload(photo_name("ana", "late"), b"its event is on its way")
    assert everything.eraser().erase(ANA) == first
    assert everything.left("ana") == []


@on_sqlite
def test_a_save_in_the_middle_is_erased_too(everything: Everything) -> None:
    """Its photo was removed, and its observation stayed behind a receipt that said otherwise."""
    everything.save("ana")
    late = replace(observation(7, "ana"), status=Status.PENDING)

    def save() -> None:
        everything.store.create(late)
        everything.photos.upload(late.object_name, b"photo")

    steps = Steps()
    everything.eraser(steps).erase(ANA)
    everything.save("ana")
    first_list = steps.names.index("list_all") + 1
    erasure = everything.eraser(Steps(first_list, save)).erase(ANA)
    assert (erasure.removed, everything.left("ana")) == (SAVED + 1, [])


@on_sqlite
def test_a_receipt_names_what_learnt_at_the_last_moment(everything: Everything) -> None:
    """Between the list of what goes and its removal a retraining may note what it learnt from."""
    everything.save("ana")

    def learn() -> None:
        row = everything.store.get("ana", observation(1, "ana").id)
        assert row is not None
        assert everything.store.replace(replace(row, learnt_by=("b-1", "b-2"))) is not None

    steps = Steps()
    everything.eraser(steps).erase(ANA)
    everything.save("ana")
    listed = steps.names.index("keep") + 1
    erasure = everything.eraser(Steps(listed, learn)).erase(ANA)
    assert (erasure.removed, everything.left("ana")) == (SAVED, [])
    assert erasure.bundles == ("b-1", "b-2")


@on_sqlite
def test_an_account_outlives_an_erasure_that_another_request_goes_on_with(
    everything: Everything,
) -> None:
    """Or nobody could ask again for what that one leaves when its time is over."""
    steps = Steps()
    everything.eraser(steps).erase(BEA)
    other = Erasure("cy", NOW, batch=("id-1",))
    read = steps.names.index("erasure") + 1
    overtaken = Steps(read, lambda: everything.store.keep(other))
    erasure = everything.eraser(overtaken).erase(User("cy"))
    assert (erasure.finished, everything.removed) == (None, ["bea"])


def test_an_erasure_gives_no_new_quota(everything: Everything) -> None:
    """Or whoever erases everything could save and ask without end."""
    everything.save("ana")
    before = everything.store.used("ana", "saves")
    everything.eraser().erase(ANA)
    assert everything.store.used("ana", "saves") == before != (0, 0)


def test_of_two_notes_about_one_erasure_one_counts(store: ObservationStore) -> None:
    """Two requests at once must not count an observation twice."""
    assert store.keep(Erasure("ana", NOW, revision=1)) is None
    first = store.keep(Erasure("ana", NOW))
    assert first == store.erasure("ana") == Erasure("ana", NOW, revision=1)
    assert store.keep(Erasure("ana", NOW, removed=7)) is None
    second = store.keep(replace(first, removed=3, batch=("x",), bundles=("b",), finished=NOW))
    assert store.erasure("ana") == second
