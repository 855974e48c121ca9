"""How everything that is kept about a person is removed."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from parrot import deadline
from parrot.errors import NotFound, PreconditionFailed
from parrot.receipt import Erasure
from parrot.reviews import withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from parrot.observation import Observation
    from parrot.observations import Observations
    from parrot.quota import User
    from parrot.store import ObservationStore, PhotoStore

_BATCH = 50  # observations whose removal is noted at once
_RESERVE_SECONDS = 10.0  # of a request: no other observation is begun
_LONG = 1e9  # without a deadline


class Eraser:
    """May be interrupted anywhere, and asked again: by the person, or by an operator.

    What is about to go is noted first, so that a receipt counts each observation once. The note
    outlives the rest by a week: a person who did not get the answer gets the same receipt again.
    """

    def __init__(
        self,
        store: ObservationStore,
        photos: PhotoStore,
        observations: Observations,
        *,
        remove_user: Callable[[str], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`remove_user` ends the account itself, and finds nothing wrong if there is none."""
        self._store, self._photos = store, photos
        self._observations, self._remove_user, self._now = observations, remove_user, now

    def erase(self, user: User) -> Erasure:
        """Remove as much as there is time for; `finished` says when nothing was left.

        Observations go first, one by one, then files without one, then keys and the name on
        opinions about others' photos, and last the account, which may be needed to ask again.
        Raises StoreUnavailable, IdentityUnavailable.
        """
        while True:
            rows = self._store.of(user.uid, limit=_BATCH)
            if not rows:
                self._clean(user)
                rows = self._store.of(user.uid, limit=_BATCH)  # something was saved meanwhile
            known = self._store.erasure(user.uid)
            if not rows:
                break
            noted = self._store.keep(_next(known or Erasure(user.uid, self._now()), rows))
            if noted is None:  # asked twice at once: the other one noted something
                continue
            for row in rows:
                with contextlib.suppress(NotFound, PreconditionFailed):  # else it is noted again
                    self._observations.delete(user, row.id, matches=partial(_as_noted, row))
                if deadline.left(_LONG) < _RESERVE_SECONDS:  # after one, or it would never end
                    return noted
        if known is None or known.finished is None:
            known = self._finish(known or Erasure(user.uid, self._now()))
        if known.finished is not None and self._remove_user is not None:
            self._remove_user(user.uid)
        return known

    def _clean(self, user: User) -> None:
        while files := self._photos.list_all(user.uid):
            for name, generation in files.items():
                self._photos.delete(name, generation=generation)
        self._store.forget(user.uid)
        withdraw(self._store, user.uid)

    def _finish(self, erasure: Erasure) -> Erasure:
        done = replace(
            erasure,
            removed=erasure.removed + len(erasure.batch),
            batch=(),
            finished=self._now(),
        )
        return self._store.keep(done) or self._store.erasure(erasure.uid) or done


def _as_noted(row: Observation, stored: Observation) -> bool:
    """Whether no bundle learnt from it since; from when it is marked on, none does."""
    return row.learnt_by == stored.learnt_by


def _next(erasure: Erasure, rows: Sequence[Observation]) -> Erasure:
    """With the next batch; what is gone of the last one is removed."""
    if erasure.finished is not None:  # something was saved since
        erasure = Erasure(erasure.uid, erasure.finished, revision=erasure.revision)
    ids = tuple(row.id for row in rows)
    learnt = {bundle for row in rows for bundle in row.learnt_by}
    return replace(
        erasure,
        removed=erasure.removed + len(set(erasure.batch) - set(ids)),
        batch=ids,
        bundles=tuple(sorted({*erasure.bundles, *learnt})),
    )
