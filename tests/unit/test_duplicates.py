"""How much work near-duplicates cause a deletion in the store."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from parrot import duplicates
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Status
from tests.support.observations import NOW, processed
from tests.support.processing import Counted, Steps

PHASH = 0x0123456789ABCDEF
TWINS = 200


@pytest.mark.parametrize("distinct", [False, True], ids=["the-same-hash", "200-hashes"])
def test_a_deletion_looks_its_twins_up_together(tmp_path: Path, *, distinct: bool) -> None:
    """Twice, before and after the names are written, which happens at once."""
    store = SqliteObservations(tmp_path / "observations.db")
    original = replace(processed(TWINS, f"{PHASH:016x}"), created=NOW.replace(hour=1))
    store.create(original)
    for number in range(TWINS):
        first, second = divmod(number, 63)  # two bits of 64, another pair for each
        flipped = 1 << first | 1 << second + 1 if distinct else 0
        twin = processed(number, f"{PHASH ^ flipped:016x}")
        store.create(replace(twin, duplicate_of=original.id))
    store.replace(replace(original, status=Status.DELETING))

    steps = Steps()
    duplicates.release(Counted(store, steps), "ana", original.id, now=lambda: NOW)

    calls = Counter(steps.names)
    assert calls.pop("duplicates_of") == 1
    assert calls.pop("similar") == 2
    assert calls == {"replace_all": 1}
    names = {observation.duplicate_of for observation in store.everything()}
    assert original.id not in names
    assert None in names
