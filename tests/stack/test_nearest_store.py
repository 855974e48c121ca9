"""Photos that look alike, as every store finds them by their vectors."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from parrot.consent import Consent
from parrot.model.embedding import DIMENSIONS
from parrot.observation import Observation, Opinion, Status
from parrot.store import ObservationStore
from tests.support.observations import NOW, at, processed
from tests.support.stores import fill

INDEXES = Path(__file__).parents[2] / "firestore.indexes.json"
KEA = "nestor-notabilis"


def seen(number: int, degrees: float, uid: str = "ana", **changes: Any) -> Observation:
    return replace(processed(number, f"{number:016x}", uid), embedded=at(degrees), **changes)


def numbers(rows: tuple[Observation, ...]) -> list[int]:
    return [int(row.id[3:]) for row in rows]


def test_what_is_stored_comes_back_with_its_vector(store: ObservationStore) -> None:
    """A change of the label must not lose or alter it; documents from before have none."""
    kept, _ = store.create(seen(1, 17))
    changed = store.replace(replace(kept, labels=()))
    assert changed is not None
    for row in (store.get("ana", "id-00001"), changed):
        assert row is not None
        assert row.embedded == at(17)
    store.replace(replace(changed, embedded=None))
    assert store.get("ana", "id-00001") == replace(changed, embedded=None, revision=3)
    assert store.nearest(at(17), uid="ana", limit=9) == ()


def test_a_persons_own_photos_come_nearest_first(store: ObservationStore) -> None:
    """Not those of others, nor of another projection, nor what is being deleted."""
    rows = [
        *(seen(1, 90), seen(2, 10), seen(3, -30), seen(4, 180)),
        seen(5, 1, "bea"),
        seen(6, 2, status=Status.DELETING),
        replace(seen(7, 3), embedded=at(3, "b2")),
        processed(8, "0" * 16),
    ]
    fill(store, rows)
    assert numbers(store.nearest(at(0), uid="ana", limit=9)) == [2, 3, 1, 4]
    assert numbers(store.nearest(at(0), uid="ana", limit=2)) == [2, 3]
    assert numbers(store.nearest(at(0, "b2"), uid="ana", limit=2)) == [7]
    assert store.nearest(at(0), uid="cleo", limit=9) == ()
    gone = store.get("ana", "id-00002")
    assert gone is not None
    store.remove(gone)
    assert numbers(store.nearest(at(0), uid="ana", limit=1)) == [3], "it is removed with the photo"


def test_reviewers_find_what_is_settled_and_may_train(store: ObservationStore) -> None:
    """Of everybody; and no longer once its owner takes that back."""
    agreed: dict[str, Any] = {
        "opinions": (Opinion("ray", KEA, NOW),),
        "consent": Consent(given=True, at=NOW),
    }
    twice = (Opinion("ray", "cannot-tell", NOW), Opinion("sue", "cannot-tell", NOW))
    rows = [
        seen(1, 40, **agreed),
        seen(2, 20, "bea", **agreed),
        seen(3, 1, "bea", consent=agreed["consent"]),
        seen(4, 2, "bea", **(agreed | {"consent": None})),
        seen(5, 3, "bea", **(agreed | {"opinions": twice})),
        seen(6, 4, "bea", **agreed, duplicate_of="id-00002"),
        seen(7, 5, "bea", **agreed, status=Status.PENDING),
    ]
    fill(store, rows)
    assert numbers(store.nearest(at(0), uid=None, limit=9)) == [2, 1]
    kept = store.get("bea", "id-00002")
    assert kept is not None
    store.replace(replace(kept, consent=Consent(given=False, at=NOW)))
    assert numbers(store.nearest(at(0), uid=None, limit=9)) == [1]


def test_firestores_indexes_are_for_these_vectors() -> None:
    """The emulator searches without an index, and for any length; Firestore does neither."""
    composite = json.loads(INDEXES.read_text())["indexes"]
    searches = [index for index in composite if index["fields"][-1]["fieldPath"] == "vector"]
    assert {index["fields"][-1]["vectorConfig"]["dimension"] for index in searches} == {DIMENSIONS}
    assert {(index["queryScope"], index["fields"][0]["fieldPath"]) for index in searches} == {
        ("COLLECTION", "space"),
        ("COLLECTION_GROUP", "example_space"),
    }
