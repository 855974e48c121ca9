"""How a stored photo is processed.

Events come at least once, late, and in any order; the function may die between any two steps. So
each step may be done twice, what an event says is checked against the bucket, and the observation's
`generation` is written last: until it is set, processing starts again from the beginning. Attempts
are counted before the work begins, so that no photo is tried forever. Each takes a lease; events
that arrive while it lasts do the same work, but neither their number nor their failures count.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from parrot import budget, deadline, duplicates, progress
from parrot.errors import (
    BackendError,
    DecoderUnavailable,
    DeploymentError,
    InvalidImage,
    Overloaded,
    PhotoTooLarge,
    RequestError,
    StoreUnavailable,
    TooManyRequests,
)
from parrot.observation import Derived, Observation, Status, derived_name
from parrot.photo import images, thumbnails
from parrot.quota import ANONYMOUS_UID, User, Visitor
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from parrot.classify import Classifier
    from parrot.observation import StoredPhoto
    from parrot.photo.decoder import Decoder
    from parrot.photo.thumbnails import Thumbnails
    from parrot.quota import CpuSeconds, Meter
    from parrot.records import Photo
    from parrot.store import ObservationStore, PhotoStore, StoredObject, Use

_MOST_SECONDS = 60.0  # for all calls about one photo
# For a photo that is decoded four times, each time within its limit: none fails on a busy machine.
_MOST_CPU_SECONDS = 4 * budget.MOST_SECONDS
_LEASE = timedelta(seconds=2 * _MOST_SECONDS)  # an attempt that has not ended by then is dead


class Outcome(StrEnum):
    """What became of an event. Every one of them is acknowledged."""

    IGNORED = "ignored"  # not this deployment's bucket, or not the observation's photo
    DONE_BEFORE = "done_before"  # this generation, or a newer one
    GONE = "gone"  # the photo was deleted or overwritten since, or its observation deleted
    READY = "ready"
    NEEDS_REVIEW = "needs_review"
    REJECTED = "rejected"


class _Gone(Exception):
    """There is nothing left to finish."""


class Processor:
    """Turns a stored photo into one finished observation, however many events arrive."""

    def __init__(  # noqa: PLR0913 - what it works with, and its limits
        self,
        observations: ObservationStore,
        photos: PhotoStore,
        classifier: Classifier,
        adopted: Callable[[StoredPhoto, StoredObject, datetime], Observation],
        decoder: Decoder,
        *,
        meter: Meter,
        cpu_seconds: CpuSeconds,
        bucket: str,
        max_bytes: int,
        max_attempts: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened here. `meter` counts saves; photos uploaded directly count too.

        `adopted` makes the observations of those.
        """
        self._observations, self._photos = observations, photos
        self._classifier, self._adopted = classifier, adopted
        self._decoder, self._meter, self._cpu_seconds = decoder, meter, cpu_seconds
        self._bucket, self._max_bytes, self._max_attempts = bucket, max_bytes, max_attempts
        self._now = now

    def process(self, stored: StoredPhoto) -> Outcome:
        """Finish the photo's observation, or say why there is nothing to do.

        Raises BackendError, DeploymentError and TooManyRequests: a later delivery may succeed.
        """
        if stored.bucket != self._bucket:
            return Outcome.IGNORED
        observation = self._observations.get(stored.uid, stored.id)
        if observation is not None and observation.object_name != stored.name:
            # Nobody would ever see it, and a deletion would not know its name.
            self._photos.delete(stored.name, generation=stored.generation)
            return Outcome.IGNORED
        if observation is not None and progress.done(observation, stored):
            return Outcome.DONE_BEFORE
        try:
            billed = (  # but those who never signed in share one uid
                budget.billed(budget.Bill(most=_MOST_CPU_SECONDS))
                if stored.uid == ANONYMOUS_UID
                else self._cpu_seconds.billed(Visitor.signed_in(stored.uid), most=_MOST_CPU_SECONDS)
            )
            with deadline.within(_MOST_SECONDS), billed:
                return self._process(stored, observation)
        except _Gone:
            self._sweep(stored)
            duplicates.release(self._observations, stored.uid, stored.id, now=self._now)
            return Outcome.GONE

    def _process(self, stored: StoredPhoto, observation: Observation | None) -> Outcome:
        facts = self._photos.describe(stored.name)
        if facts is None or facts.generation != stored.generation:
            raise _Gone
        begun, counted = self._begin(stored, facts, observation)
        if progress.done(begun, stored):  # rejected, or another delivery was faster
            self._sweep(stored)
            return Outcome(begun.status.value)
        with self._attempt(stored, begun if counted else None):
            return self._finish(stored, facts)

    def _finish(self, stored: StoredPhoto, facts: StoredObject) -> Outcome:
        try:
            photo = self._read(stored, facts)
            answer = self._classifier.classify(photo)
            made = thumbnails.make(photo, self._decoder)
        except TooManyRequests as error:  # not this photo's fault
            raise Overloaded(error.detail) from error
        except RequestError as error:
            why = error.detail  # another try would not help
            rejected = self._change(stored, lambda current: progress.rejected(current, stored, why))
            self._sweep(stored)
            return Outcome(rejected.status.value)
        derived = self._write(stored, made)
        # The hash is stored before others are searched: of two photos that are processed at once,
        # at least the later searcher finds the other.
        published = self._change(
            stored, lambda current: progress.published(current, photo, answer, derived)
        )
        duplicates.settle(self._observations, published, now=self._now)
        finished = self._change(stored, lambda current: progress.finished(current, stored, answer))
        return Outcome(finished.status.value)

    def _begin(
        self, stored: StoredPhoto, facts: StoredObject, observation: Observation | None
    ) -> tuple[Observation, bool]:
        """Count this attempt, or reject the photo; whether this call counted it.

        What `save` stored was counted against the quota there. Every other new generation was
        uploaded directly, and is counted together with its first attempt.
        Raises _Gone, StoreUnavailable.
        """
        counted = False

        def begin(current: Observation) -> Observation:
            nonlocal counted
            begun = progress.begun(
                current, stored, most=self._max_attempts, now=self._now(), lease=_LEASE
            )
            counted = begun is not current
            return begun

        use = self._meter.use(User.owning(stored.uid))
        try:
            return self._adopt(stored, facts, observation, begin, use), counted
        except TooManyRequests as error:
            why = error.detail
        rejected = self._adopt(
            stored, facts, observation, lambda current: progress.rejected(current, stored, why)
        )
        if rejected.reason == why:
            self._photos.delete(stored.name, generation=stored.generation)
        return rejected, False

    def _adopt(
        self,
        stored: StoredPhoto,
        facts: StoredObject,
        observation: Observation | None,
        change: Callable[[Observation], Observation],
        use: Use | None = None,
    ) -> Observation:
        """Change the observation, which a direct upload does not have yet.

        `save` creates its observation before it uploads, so only direct uploads have none. Or it
        was deleted after this event looked the photo up: so the photo is looked up once more.
        Raises _Gone, TooManyRequests, StoreUnavailable.
        """
        if observation is None:
            adopted = change(self._adopted(stored, facts, self._now()))
            current, created = self._observations.create(adopted, use)
            if self._photos.generation(stored.name) != stored.generation:
                self._observations.remove(adopted)  # not one saved since: its version differs
                raise _Gone
            if created:
                return current
        return self._change(stored, change, use)

    @contextlib.contextmanager
    def _attempt(self, stored: StoredPhoto, begun: Observation | None) -> Iterator[None]:
        """Record that an attempt failed, if it is the one that was counted.

        It is forgiven if that was not the photo's fault: a model server that is down for a night
        must not reject photos saved meanwhile.
        """
        try:
            yield
        except _Gone:
            raise
        except Exception as error:
            ours = isinstance(error, (BackendError, DeploymentError))
            forgiven = ours and not isinstance(error, DecoderUnavailable)  # may be the photo's
            if begun is not None:
                with contextlib.suppress(_Gone, StoreUnavailable):
                    self._change(
                        stored, lambda current: progress.failed(current, begun, forgiven=forgiven)
                    )
            raise

    def _read(self, stored: StoredPhoto, facts: StoredObject) -> Photo:
        """Raises _Gone, RequestError, StoreUnavailable."""
        if facts.size > self._max_bytes:
            raise PhotoTooLarge(size=facts.size, limit=self._max_bytes)
        if facts.encoding not in {"", "identity"}:
            raise InvalidImage(f"the photo was uploaded with Content-Encoding {facts.encoding:.20}")
        data = self._photos.read_generation(stored.name, stored.generation, most=self._max_bytes)
        if data is None:
            raise _Gone
        return images.read(data, max_bytes=self._max_bytes)

    def _write(self, stored: StoredPhoto, made: Thumbnails) -> Derived:
        derived = Derived(
            image=derived_name(stored.uid, stored.id, "image"),
            thumbnail=derived_name(stored.uid, stored.id, "thumbnail"),
            width=made.width,
            height=made.height,
            blurhash=made.blurhash,
            phash=made.phash,
        )
        self._photos.write_derived(derived.image, made.image)
        self._photos.write_derived(derived.thumbnail, made.thumbnail)
        return derived

    def _change(
        self,
        stored: StoredPhoto,
        change: Callable[[Observation], Observation],
        use: Use | None = None,
    ) -> Observation:
        """Change what is stored by now. `use` is for a photo that replaces a finished one.

        People relabel and delete meanwhile, so a change starts from what they left. What another
        delivery has finished stays. Raises _Gone if it was deleted, TooManyRequests,
        StoreUnavailable.
        """

        def unless_finished(current: Observation) -> Observation:
            if current.status is Status.DELETING:
                raise _Gone
            if progress.done(current, stored):
                return current
            changed = change(current)
            return current if changed is current else replace(changed, updated=self._now())

        def uncounted(current: Observation) -> Use | None:
            first = current.generation is not None and progress.attempts(current, stored) is None
            return use if first else None

        changed = update(self._observations, stored.uid, stored.id, unless_finished, uncounted)
        if changed is None:
            raise _Gone
        return changed

    def _sweep(self, stored: StoredPhoto) -> None:
        """Remove the derived files of a deleted or rejected observation.

        They are listed before the observation is looked up: if the same photo is saved again
        meanwhile, its files have other generations and stay.
        """
        files = self._photos.list_derived(stored.uid, stored.id)
        current = self._observations.get(stored.uid, stored.id) if files else None
        if current is None or current.status in {Status.DELETING, Status.REJECTED}:
            for name, generation in files.items():
                self._photos.delete(name, generation=generation)
