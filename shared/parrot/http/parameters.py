"""What a request says in its path, query and headers, checked and as the core's own types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import category

from parrot.errors import InvalidRequest, NotFound
from parrot.http import schemas
from parrot.observation import Status
from parrot.sighting import sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request

    from parrot.config import Settings
    from parrot.model.species import SpeciesTable
    from parrot.observation import Observation
    from parrot.sighting import Sighting
    from parrot.tokens import Downloads

BASE_PATH = "/parrot-classifier"
DEFAULT_TOP = 5
DEFAULT_PAGE = 20
_MOST_TOP = 1000
_LARGEST_PAGE = 100
_MAX_FIELD = 200
_LONGEST_TEXT = 100
# What is not seen: of control, of format, half a character, private, breaks of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # in emoji, and between letters of Persian and Hindi
LABEL, SIGHTING = frozenset({"species", "index", "text"}), frozenset({"taken", "place"})
CHANGEABLE = LABEL | SIGHTING | {"training"}
_NUMBER = re.compile(r"[0-9]{1,6}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Links:
    """Where an observation and its files are found."""

    origin: str  # https://HOST, as the caller reaches it
    path: str  # of all observations
    downloads: Downloads

    def files(self, record: Observation) -> schemas.Files:
        """URL of each derived file. Anyone who has it can download: never log it."""
        return schemas.Files(
            image=self._download(record, "image"), thumbnail=self._download(record, "thumbnail")
        )

    def entity_tag(self, record: Observation) -> str:
        """LABEL.REVISION, and .WINDOW if there are URLs: changes with the observation and them.

        If-Match compares LABEL alone: what the system writes contradicts no person's change.
        """
        window = f".{self.downloads.window}" if record.derived else ""
        return f"{record.label_version}.{record.revision}{window}"

    def _download(self, record: Observation, file: str) -> str:
        return f"{self.origin}{self.path}/{self.downloads.path(record, file)}"


def observation_id(text: str) -> str:
    """The id, if it is one that this service could have made. Raises NotFound."""
    if not _ID.fullmatch(text):
        raise NotFound(f"you have no observation {text!r:.80}")
    return text


def links(request: Request, config: Settings, downloads: Downloads) -> Links:
    """URLs that this caller can reach: behind Hosting, with Hosting's host, not the function's."""
    root = config.public_url
    if root is None:
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme).partition(",")[0]
        host = request.headers.get("X-Forwarded-Host", request.host).partition(",")[0].strip()
        root = f"{'https' if scheme.strip() == 'https' else 'http'}://{host}"
    return Links(root.rstrip("/"), f"{BASE_PATH}/observations", downloads)


def if_match(request: Request) -> Callable[[Observation], bool]:
    """The If-Match header as a question to the stored observation: has its label changed?

    The rest of an ETag, after the dot, is about what the system writes and about download URLs;
    neither contradicts a person's change.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return lambda _stored: True
    # Werkzeug turns an empty tag into None.
    tags = request.if_match.as_set(include_weak=True)
    wanted = {tag.partition(".")[0] for tag in tags if tag}
    return lambda stored: stored.label_version in wanted


def page_size(request: Request) -> int:
    """`?page_size=`. Raises InvalidRequest."""
    return _number(request, "page_size", DEFAULT_PAGE, _LARGEST_PAGE)


def status_filter(request: Request) -> Status | None:
    """`?status=`. Raises InvalidRequest."""
    text = request.args.get("status")
    if text is None:
        return None
    visible = {status.value for status in Status} - {Status.DELETING.value}
    if text not in visible:
        raise InvalidRequest(f"status={text!r:.40} is not one of {', '.join(sorted(visible))}")
    return Status(text)


def species_filter(request: Request, species: Callable[[], SpeciesTable]) -> str | None:
    """`?species=`. The table is needed only where it is given.

    Raises InvalidRequest; what reading the table raises.
    """
    text = request.args.get("species")
    return None if text is None else species().label(species=text).id


def label_text(fields: Mapping[str, str]) -> str | None:
    """The person's own words beside a label, or None. Raises InvalidRequest."""
    text = fields.get("text", "").strip()
    # `isprintable` would also refuse Korean keyboards' wide space, and emoji newer than Python.
    unseen = any(category(letter) in _UNSEEN and letter not in _JOINERS for letter in text)
    if len(text) > _LONGEST_TEXT or unseen:
        raise InvalidRequest(f"text has at most {_LONGEST_TEXT} printable characters")
    return text or None


def training(fields: Mapping[str, str]) -> bool | None:
    """Whether the photo may train, if the person says so. Raises InvalidRequest."""
    text = fields.get("training")
    if text not in {None, "true", "false"}:
        raise InvalidRequest(f"training={text!r:.20} is neither true nor false")
    return None if text is None else text == "true"


def seen(fields: Mapping[str, str]) -> Sighting | None:
    """When and where the bird was seen; None where nothing is said. Raises InvalidRequest."""
    if not fields.keys() & SIGHTING:
        return None
    return sighting(fields.get("taken", "").strip(), fields.get("place", "").strip())


def top(request: Request) -> int:
    """`?top=`: how many species. Raises InvalidRequest."""
    return _number(request, "top", DEFAULT_TOP, _MOST_TOP)


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises InvalidRequest if it is empty or too long."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _MAX_FIELD:
        raise InvalidRequest(f"an Idempotency-Key has 1 to {_MAX_FIELD} characters")
    return key


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidRequest(f"{name}={text!r:.20} is not a number from 1 to {most}")
    return int(text)
