"""List, read, relabel and delete the user's own observations."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from parrot import duplicates, page_token
from parrot.consent import Consent, Training
from parrot.errors import Conflict, NotFound, PreconditionFailed, StoreUnavailable
from parrot.observation import (
    MOST_LABELS,
    Label,
    Status,
    photo_name,
)
from parrot.progress import attempts
from parrot.quota import User
from parrot.records import FAR, MEDIA_TYPES
from parrot.review import settled, standing
from parrot.store import update

if TYPE_CHECKING:
    from collections.abc import Callable

    from parrot.observation import Observation, Page, StoredPhoto
    from parrot.records import Species, UntrainedLabel
    from parrot.sighting import Sighting
    from parrot.store import ObservationStore, OpenObject, PhotoStore

FILES = ("image", "thumbnail")
ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A photo in the bucket."""

    content: OpenObject
    media_type: str | None  # None: unchecked


class Observations:
    """The user's own observations; this class never sees anyone else's."""

    def __init__(
        self,
        store: ObservationStore,
        photos: PhotoStore,
        *,
        training: Training = Training.ASK,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._photos, self._now = store, photos, now
        self._training = training

    def list(
        self,
        user: User,
        *,
        size: int,
        token: str | None = None,
        species: str | None = None,
        status: Status | None = None,
    ) -> tuple[Page, str | None]:
        """A page, newest first, and the next page's token if there is one.

        Raises InvalidRequest for a token of another list, StoreUnavailable.
        """
        scope = page_token.scope(user.uid, species or "", status or "")
        after = None if token is None else page_token.read(token, scope)
        page = self._store.page(user.uid, size=size, after=after, species=species, status=status)
        return page, None if page.next is None else page_token.written(page.next, scope)

    def read(self, user: User, observation_id: str) -> Observation:
        """Raises NotFound, StoreUnavailable."""
        stored = self._store.get(user.uid, observation_id)
        if stored is None or stored.status is Status.DELETING:
            raise _not_found(observation_id)
        return stored

    def similar(self, user: User, observation_id: str, *, size: int) -> tuple[Observation, ...]:
        """The user's own that look like this one, the nearest first.

        None where this one was processed by a bundle that could not tell. Raises NotFound,
        StoreUnavailable.
        """
        stored = self.read(user, observation_id)
        if stored.embedded is None:
            return ()
        rows = self._store.nearest(stored.embedded, uid=user.uid, limit=size + 1)
        near = [row for row in rows if row.embedded and stored.embedded.apart(row.embedded) < FAR]
        return tuple(row for row in near if row.id != stored.id)[:size]

    def file(self, user: User, observation_id: str, file: str) -> StoredFile:
        """A derived file, or the original. Raises NotFound, StoreUnavailable."""
        stored = self.read(user, observation_id)
        name, media_type = _file(stored, file)
        content = None if name is None else self._photos.open(name)
        if content is None:
            raise NotFound(f"observation {observation_id} has no {file} (yet)")
        return StoredFile(content, media_type)

    def change(  # noqa: PLR0913 - what a person may say
        self,
        user: User,
        observation_id: str,
        species: Species | UntrainedLabel | None = None,
        *,
        text: str | None = None,
        training: bool | None = None,
        sighting: Sighting | None = None,
        matches: Callable[[Observation], bool] = lambda _stored: True,
    ) -> Observation:
        """Append a label, say whether it may train, or when and where the bird was seen.

        What it already has changes nothing.

        `matches` is the caller's If-Match. Raises NotFound, PreconditionFailed, Conflict after
        MOST_LABELS or where nothing trains, StoreUnavailable.
        """

        def change(stored: Observation) -> Observation:
            if stored.status is Status.DELETING:
                raise _not_found(observation_id)
            _require(matches, stored)
            now, changed = self._now(), stored
            if species is not None:
                changed = _relabelled(changed, Label(species.id, species.index, now, text))
            if training is not None:
                changed = self._agreed(changed, training, now)
            if sighting is not None:
                changed = replace(changed, sighting=sighting.kept)
            return stored if changed == stored else replace(changed, updated=now)

        changed = update(self._store, user.uid, observation_id, change)
        if changed is None:
            raise _not_found(observation_id)
        return changed

    def _agreed(self, stored: Observation, training: bool, now: datetime) -> Observation:  # noqa: FBT001 - what was said
        if training and self._training is Training.OFF:
            raise Conflict("this service uses no photos for training", observation=stored.id)
        if stored.consent is not None and stored.consent.given == training:
            return stored
        return replace(stored, consent=Consent(training, now))

    def delete(
        self,
        user: User,
        observation_id: str,
        *,
        matches: Callable[[Observation], bool] = lambda _stored: True,
    ) -> None:
        """Remove the photo, everything derived from it and the document, in this order.

        The document is marked first and removed last. While it is marked, no files are added, and
        repeating the request finishes an interrupted deletion. The files are listed before the mark
        is checked once more, and removed by generation: if another deletion was faster and the
        same photo was saved again since, the new files stay.
        Raises NotFound, PreconditionFailed, StoreUnavailable.
        """
        marked = self._mark(user, observation_id, matches)
        if marked is None:
            return
        duplicates.release(self._store, marked.uid, marked.id, now=self._now)
        # Of an upload under a name of its own, another object may have taken the id as its name.
        originals = {marked.object_name, photo_name(marked.uid, marked.id)}
        files = {name: self._photos.generation(name) for name in sorted(originals)}
        files |= self._photos.list_derived(marked.uid, marked.id)
        current = self._store.get(marked.uid, marked.id)
        if current is None or current.version != marked.version:
            return
        for name, generation in files.items():
            if generation is not None:
                self._photos.delete(name, generation=generation)
        self._store.remove(marked)

    def follow(self, deleted: StoredPhoto) -> bool:
        """Delete the observation of an original that was deleted in the bucket; whether it was.

        Only what is finished with this very generation: while one is pending, its photo may be on
        its way, and a rejected one says why its photo was removed. That no other photo is there is
        looked up twice, before and after the mark that keeps saves from bringing one. What was
        changed since the first look, by a save for example, stays. Raises StoreUnavailable.
        """
        stored = self._store.get(deleted.uid, deleted.id)
        pending = stored is not None and stored.status is Status.PENDING
        if stored and pending and attempts(stored, deleted) is not None:
            raise StoreUnavailable(f"observation {deleted.id} is being processed")  # look again
        if (
            stored is None
            or stored.object_name != deleted.name
            or stored.generation != str(deleted.generation)
            or not stored.processed
            or self._photos.generation(stored.object_name) is not None
        ):
            return False
        marked = self._store.replace(replace(stored, status=Status.DELETING, updated=self._now()))
        if marked is None:
            raise StoreUnavailable(f"observation {deleted.id} has just changed")  # look again
        if self._photos.generation(stored.object_name) is not None:  # the sweep processes it
            self._store.replace(replace(marked, status=Status.PENDING))
            return False
        with contextlib.suppress(NotFound):  # the person was faster
            self.delete(User.owning(stored.uid), stored.id)
        return True

    def _mark(
        self, user: User, observation_id: str, matches: Callable[[Observation], bool]
    ) -> Observation | None:
        """The marked document; None if another deletion finished after this one began."""
        first: Observation | None = None

        def mark(stored: Observation) -> Observation:
            nonlocal first
            first = first or stored
            if stored.created != first.created or stored.status is Status.DELETING:
                return stored
            _require(matches, stored)
            return replace(stored, status=Status.DELETING, updated=self._now())

        marked = update(self._store, user.uid, observation_id, mark)
        if first is None:
            raise _not_found(observation_id)
        return marked if marked is not None and marked.created == first.created else None


def _file(stored: Observation, file: str) -> tuple[str | None, str | None]:
    """Object name and media type.

    Unchecked files (rejected, or uploaded directly and not yet processed) are sent as attachments,
    whatever type the uploader claimed.
    """
    if file == ORIGINAL:
        checked = stored.sha256 and stored.status is not Status.REJECTED
        media_type = stored.media_type if stored.media_type in MEDIA_TYPES else None
        return stored.object_name, media_type if checked else None
    name = getattr(stored.derived, file, None) if file in FILES else None
    return name, "image/webp"


def _relabelled(stored: Observation, label: Label) -> Observation:
    """With one more label, unless it is the current one. Raises Conflict.

    The current one again is an objection if reviewers settled another and can be asked again.
    """
    same = stored.label is not None and replace(stored.label, at=label.at) == label
    if same and settled(stored.label, stored.opinions) == settled(label, stored.opinions):
        return stored
    if len(stored.labels) >= MOST_LABELS:
        raise Conflict(
            f"observation {stored.id} has had {MOST_LABELS} labels; to choose another one,"
            " delete the observation and save the photo again",
            observation=stored.id,
        )
    relabelled = replace(stored, labels=(*stored.labels, label))
    if stored.verdict is None or stored.status is Status.REJECTED:
        return relabelled
    return replace(relabelled, status=standing(relabelled))


def _require(matches: Callable[[Observation], bool], stored: Observation) -> None:
    if not matches(stored):
        raise PreconditionFailed(f"observation {stored.id} has changed; read it and try again")


def _not_found(observation_id: str) -> NotFound:
    return NotFound(f"you have no observation {observation_id!r:.80}")
