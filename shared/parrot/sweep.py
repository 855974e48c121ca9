"""Finishes what was left over: photos whose event was lost, interrupted deletions.

A schedule starts this every few minutes. Each sweep takes a limited number of observations, least
recently changed first, and touches each one before it works on it: what fails goes to the end of
the queue, and two sweeps at once share the work.
"""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from parrot.errors import NotFound, ParrotError
from parrot.observation import Observation, Status, StoredPhoto
from parrot.quota import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.observations import Observations
    from parrot.process import Processor
    from parrot.store import ObservationStore, PhotoStore

NEVER_ARRIVED = "the photo never arrived"
_AGE = timedelta(minutes=10)  # younger ones are still being worked on
_MOST, _SECONDS = 50, 60.0  # observations of one sweep; none is begun after so many seconds
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, for its log line."""

    finished: int = 0
    failed: int = 0  # to be tried again by a later sweep


class Sweeper:
    """Leaves nothing pending."""

    def __init__(  # noqa: PLR0913 - what it works with, and its limits
        self,
        store: ObservationStore,
        photos: PhotoStore,
        processor: Processor,
        observations: Observations,
        *,
        bucket: str,
        most: int = _MOST,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._photos = store, photos
        self._processor, self._observations = processor, observations
        self._bucket, self._most, self._now, self._clock = bucket, most, now, clock

    def sweep(self) -> Swept:
        """Finish or reject what is unfinished. Raises StoreUnavailable if that cannot be listed."""
        end = self._clock() + _SECONDS
        unfinished = self._store.unfinished(before=self._now() - _AGE, limit=self._most)
        finished = failed = 0
        for observation in unfinished:
            if self._clock() >= end:
                break
            try:
                finished += self._finish(observation)
            except Exception as error:  # noqa: BLE001 - one photo must not keep the others waiting
                failed += 1
                _report(observation, error)
        return Swept(finished, failed)

    def _finish(self, observation: Observation) -> bool:
        """Whether it was ours to finish."""
        touched = self._store.replace(replace(observation, updated=self._now()))
        if touched is None:
            return False
        if touched.status is Status.DELETING:
            with contextlib.suppress(NotFound):  # the person was faster
                self._observations.delete(User.owning(touched.uid), touched.id)
            return True
        live = self._photos.describe(touched.object_name)
        if live is None:
            # Unless it was changed since: then the photo may have come after all.
            self._store.replace(replace(touched, status=Status.REJECTED, reason=NEVER_ARRIVED))
        else:
            self._processor.process(
                StoredPhoto(
                    self._bucket, touched.object_name, live.generation, touched.uid, touched.id
                )
            )
        return True


def _report(observation: Observation, error: Exception) -> None:
    fields = {"fields": {"id": observation.id}}
    if isinstance(error, ParrotError):
        _log.warning("left for the next sweep: %s", error.detail, extra=fields)
    else:
        _log.error("left for the next sweep", exc_info=error, extra=fields)
