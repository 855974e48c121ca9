"""List, read, relabel and delete one's own observations."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from parrot.duplicates import settle
from parrot.errors import InvalidRequest, NotFound, PreconditionFailed, StoreUnavailable
from parrot.observation import EPOCH, Label, Place, Status, micros, reviewed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from parrot.observation import Observation, Page
    from parrot.records import Species, User
    from parrot.store import ObservationStore

FILES = ("image", "thumbnail")
ORIGINAL = "original"
_TRIES = 20
_TOKEN_VERSION = 1
_DIGEST_BYTES = 8
_TOKEN_HEAD = 1 + _DIGEST_BYTES + 8


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A photo from the bucket."""

    data: bytes = field(repr=False)
    media_type: str


class Files(Protocol):
    """Where photos live, and what was made of them."""

    def read(self, object_name: str) -> bytes | None:
        """The whole object, or None where there is none. Raises StoreUnavailable."""

    def generation(self, object_name: str) -> int | None:
        """The live object's generation, or None where there is none. Raises StoreUnavailable."""

    def list_derived(self, uid: str, observation_id: str) -> Mapping[str, int]:
        """Generation by name of all under `derived/{uid}/{id}/`. Raises StoreUnavailable."""

    def delete(self, object_name: str, *, generation: int) -> None:
        """Remove this generation of an object; no error where it is gone.

        Raises StoreUnavailable.
        """


class Observer:
    """One's own observations; somebody else's do not exist here."""

    def __init__(
        self,
        store: ObservationStore,
        files: Files,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing is opened here."""
        self._store, self._files, self._now = store, files, now

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
        scope = _scope(user.uid, species, status)
        after = None if token is None else _place(token, scope)
        page = self._store.page(user.uid, size=size, after=after, species=species, status=status)
        return page, None if page.next is None else _token(page.next, scope)

    def read(self, user: User, observation_id: str) -> Observation:
        """Raises NotFound, StoreUnavailable."""
        found = self._store.get(user.uid, observation_id)
        if found is None or found.status is Status.DELETING:
            raise NotFound(f"you have no observation {observation_id!r:.80}")
        return found

    def file(self, user: User, observation_id: str, file: str) -> StoredFile:
        """A derived file, or the original. Raises NotFound, StoreUnavailable."""
        stored = self.read(user, observation_id)
        name, media_type = _file(stored, file)
        data = None if name is None else self._files.read(name)
        if data is None:
            raise NotFound(f"observation {observation_id} has no {file} (yet)")
        return StoredFile(data, media_type)

    def relabel(
        self,
        user: User,
        observation_id: str,
        species: Species,
        *,
        matches: Callable[[Observation], bool] = lambda _stored: True,
    ) -> Observation:
        """Append a label; the one that counts already changes nothing.

        `matches` is the caller's If-Match. Raises NotFound, PreconditionFailed, StoreUnavailable.
        """
        for _ in range(_TRIES):
            stored = self.read(user, observation_id)
            _require(matches, stored)
            if stored.label is not None and stored.label.species == species.id:
                return stored
            now = self._now()
            label = Label(species.id, species.index, now)
            status = stored.status
            if stored.verdict is not None and status is not Status.REJECTED:
                status = reviewed(label, stored.verdict)
            changed = replace(stored, labels=(*stored.labels, label), status=status, updated=now)
            if self._store.replace(changed):
                return replace(changed, revision=stored.revision + 1)
        raise StoreUnavailable(f"observation {observation_id} is being changed all the time")

    def delete(
        self,
        user: User,
        observation_id: str,
        *,
        matches: Callable[[Observation], bool] = lambda _stored: True,
    ) -> None:
        """Remove the photo, everything derived from it and the document, in this order.

        The document goes last and is marked first: it is the note of what is still to be removed,
        so that a deletion that was interrupted is finished by asking again, and it keeps everybody
        else from adding files meanwhile. What is removed is listed before the mark is looked at
        again, and removed by generation: should another deletion be faster and the same photo be
        saved anew, that one stays. Raises NotFound, PreconditionFailed, StoreUnavailable.
        """
        marked = self._mark(user, observation_id, matches)
        if marked is None:
            return
        for twin in self._store.naming(marked.uid, marked.id):
            settle(self._store, twin, now=self._now)
        original = self._files.generation(marked.object_name)
        derived = self._files.list_derived(marked.uid, marked.id)
        current = self._store.get(marked.uid, marked.id)
        if current is None or current.version != marked.version:
            return
        if original is not None:
            self._files.delete(marked.object_name, generation=original)
        for name, generation in derived.items():
            self._files.delete(name, generation=generation)
        self._store.remove(marked)

    def _mark(
        self, user: User, observation_id: str, matches: Callable[[Observation], bool]
    ) -> Observation | None:
        """The marked document; None where another deletion ended after this one began."""
        first = stored = self._store.get(user.uid, observation_id)
        if first is None:
            raise NotFound(f"you have no observation {observation_id!r:.80}")
        for _ in range(_TRIES):
            if stored is None or stored.created != first.created:
                return None
            if stored.status is Status.DELETING:
                return stored
            _require(matches, stored)
            marked = replace(stored, status=Status.DELETING, updated=self._now())
            if self._store.replace(marked):
                return replace(marked, revision=marked.revision + 1)
            stored = self._store.get(user.uid, observation_id)
        raise StoreUnavailable(f"observation {observation_id} is being changed all the time")


def _file(stored: Observation, file: str) -> tuple[str | None, str]:
    """Object name and media type."""
    if file == ORIGINAL:
        return stored.object_name, stored.media_type
    name = getattr(stored.derived, file, None) if file in FILES else None
    return name, "image/webp"


def _require(matches: Callable[[Observation], bool], stored: Observation) -> None:
    if not matches(stored):
        raise PreconditionFailed(f"observation {stored.id} was changed; read it and try again")


def _scope(uid: str, species: str | None, status: Status | None) -> bytes:
    """What a page token belongs to, in eight bytes."""
    text = "\n".join((uid, species or "", status or ""))
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]


def _token(place: Place, scope: bytes) -> str:
    created = micros(place.created).to_bytes(8, "big")
    raw = bytes([_TOKEN_VERSION]) + scope + created + place.id.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _place(token: str, scope: bytes) -> Place:
    """Where the page before ended. Raises InvalidRequest.

    Not signed: whoever makes one up gets another part of their own list.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        since = timedelta(microseconds=int.from_bytes(raw[_TOKEN_HEAD - 8 : _TOKEN_HEAD], "big"))
        place = Place(EPOCH + since, raw[_TOKEN_HEAD:].decode())
    except (binascii.Error, ValueError, OverflowError) as error:
        raise InvalidRequest("page_token is none of this service's") from error
    if not place.id or _token(place, raw[1 : 1 + _DIGEST_BYTES]) != token:
        raise InvalidRequest("page_token is none of this service's")
    if raw[1 : 1 + _DIGEST_BYTES] != scope:
        raise InvalidRequest("page_token belongs to another list: keep species and status")
    return place
