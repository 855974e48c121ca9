"""Documents of older forms, written again in today's.

What an older release wrote is read with defaults for what it did not know, so to read it and write
it again is all that a new form needs.
"""

from collections.abc import Iterator
from dataclasses import replace

from models.patience import each
from parrot.observation import FORM, Observation
from parrot.store import ObservationStore, update

_AT_ONCE = 16


def migrate(store: ObservationStore, *, dry_run: bool = False) -> Iterator[bool]:
    """Rewrite what has an older form; whether each observation had one.

    Safe while others write: each document is read again and written in one transaction. What is
    rewritten stays so: after an interruption a second run does the rest. Raises StoreUnavailable.
    """

    def renew(current: Observation) -> Observation:
        return replace(current, form=max(current.form, FORM))

    def rewrite(row: Observation) -> bool:
        older = row.form < FORM
        if older and not dry_run:
            update(store, row.uid, row.id, renew)
        return older

    return each(rewrite, store.everything(), at_once=_AT_ONCE)
