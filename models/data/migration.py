"""Documents of older forms, written again in today's.

What an older release wrote is read with defaults for what it did not know, so to read it and write
it again is all that a new form needs.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from parrot.observation import FORM, Observation
from parrot.store import ObservationStore, update

_BATCH = 1000
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Migrated:
    """How far it has come."""

    seen: int
    older: int  # of them, rewritten unless it is a dry run


def migrate(store: ObservationStore, *, dry_run: bool = False) -> Iterator[Migrated]:
    """Rewrite what has an older form; yields after each batch, and at least once.

    Safe while others write: each document is read again and written in one transaction. What is
    rewritten stays so: after an interruption a second run does the rest. Raises StoreUnavailable.
    """
    rows, so_far, more = store.everything(), Migrated(0, 0), True
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while more:
            batch = list(islice(rows, _BATCH))
            old = [row for row in batch if row.form < FORM]
            if not dry_run:
                list(pool.map(lambda row: _rewrite(store, row), old))
            so_far = Migrated(so_far.seen + len(batch), so_far.older + len(old))
            yield so_far
            more = len(batch) == _BATCH


def _rewrite(store: ObservationStore, row: Observation) -> None:
    def change(current: Observation) -> Observation:
        return replace(current, form=max(current.form, FORM))

    update(store, row.uid, row.id, change)
