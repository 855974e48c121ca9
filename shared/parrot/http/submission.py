"""The photo in a request, in each of the ways that phones send one.

Everything is taken from the body's bytes. A parser that makes text or lists of them first needs
many times their memory: 31 MB of `%41%41...` became 2.6 GB.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parrot.config import MOST_PHOTOS
from parrot.errors import (
    InvalidImage,
    InvalidRequest,
    PhotoTooLarge,
    RequestError,
    UnsupportedMedia,
)
from parrot.http import forms, transfers
from parrot.http.parameters import CHANGEABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request

    from parrot.budget import Reservation
    from parrot.records import Photo

FORM = "application/x-www-form-urlencoded"
_ROOM_BESIDE_THE_PHOTO = 64 * 1024
_MAX_FIELDS_BYTES = 16 * 1024  # of a body that has no photo
_BYTES_PER_LETTER = 4  # of a name with one emoji, in memory
_BOM = b"\xef\xbb\xbf"  # some editors and .NET begin a text with it
_WIDE_ESCAPE = re.compile(rb"\\u(?!00[0-7])")  # of no ASCII letter


@dataclass(frozen=True, slots=True)
class Submission:
    """Photos as they were sent, the other fields, and whether by the first version's form."""

    photos: tuple[Photo, ...]
    fields: Mapping[str, str]
    first_version: bool


def read_photos(request: Request, *, max_bytes: int, most: int = MOST_PHOTOS) -> Submission:
    """The photos, however they were sent: one, or several of one bird in a multipart form.

    Size, type and header are checked, nothing is decoded. `max_bytes` is for all together; if
    `most` is 1, further photos are ignored. Raises RequestError, which says which of several photos
    it is about, Overloaded.
    """
    from parrot.photo import images  # noqa: PLC0415 - Pillow and NumPy, which read_fields never needs

    kind = request.mimetype
    query = {name: value[: forms.MAX_FIELD] for name, value in request.args.items()}
    body = transfers.read(request, most=_most(kind, max_bytes))
    reservation: Reservation = request.environ[transfers.RESERVATION]
    first_version = False
    if kind == "multipart/form-data":
        files, fields, first_version = forms.in_parts(
            body, request.mimetype_params.get("boundary", ""), most
        )
    elif kind == FORM and not forms.looks_like_image(body):
        data, fields = forms.urlencoded(body)
        files, first_version = [data], True
    elif kind == "application/json":
        if not body.removeprefix(_BOM).isascii():
            reservation.grow(_BYTES_PER_LETTER * len(body))
        data, fields = _from_json(body)
        files = [data]
    elif kind.startswith("image/") or kind in {FORM, "application/octet-stream", ""}:
        files, fields = [body], {}  # `curl --data-binary @photo.jpg` labels everything as a form
    else:
        raise UnsupportedMedia(
            f"a body of type {kind!r:.80} is not supported: send a multipart file 'image',"
            ' a raw image/* body, or JSON {"image": "<base64>"}'
        )
    size = sum(map(len, files))
    if len(files) > 1 and size > max_bytes:
        raise PhotoTooLarge(size=size, limit=max_bytes)
    photos = []
    for position, data in enumerate(files, 1):
        try:
            photos.append(images.read(data, max_bytes=max_bytes))
        except RequestError as error:
            error.photo = position if len(files) > 1 else None
            raise
    reservation.keep(size)  # the body was taken apart
    return Submission(tuple(photos), {**query, **fields}, first_version)


def read_fields(request: Request) -> dict[str, str]:
    """A JSON object's texts, whole numbers and truth values.

    Raises InvalidRequest, PhotoTooLarge, UnsupportedMedia, RequestTimeout, Overloaded.
    """
    raw = _json(transfers.read(request, most=_MAX_FIELDS_BYTES))
    if raw is None:
        raise InvalidRequest("the body is not a JSON object")
    return _fields(raw)


def _most(kind: str, max_bytes: int) -> int:
    """The largest body that can hold a photo of `max_bytes`: base64 makes three bytes four."""
    most = max_bytes * 4 // 3 + _ROOM_BESIDE_THE_PHOTO
    # Percent-encoded base64 grows once more: '+' and '/' become three characters each.
    return most * 5 // 4 if kind == FORM else most


def _from_json(body: bytes) -> tuple[bytes, dict[str, str]]:
    raw = _json(body) or {}
    image = bytes(raw.pop("image", b""))
    if image[:1] != b'"':
        raise InvalidImage('the JSON has no "image": "<base64>"', status=400)
    return forms.from_base64(_unquoted(image), "image"), _fields(raw)


def _unquoted(text: bytes) -> bytes:
    """JSON's text in ASCII; other letters stay as they are sent. Raises InvalidRequest."""
    import msgspec  # noqa: PLC0415 - as below

    # A single wide letter would make the text four times as large in memory.
    if b"\\" not in text or not text.isascii() or _WIDE_ESCAPE.search(text):
        return text[1:-1]
    try:
        return msgspec.json.decode(text, type=str).encode()
    except msgspec.DecodeError as error:
        raise InvalidRequest("the body is not valid JSON") from error


def _json(body: bytes) -> dict[str, bytes] | None:
    """The values of an object, each still JSON; None for anything else. Raises InvalidRequest."""
    import msgspec  # noqa: PLC0415 - its import is paid by those who send JSON

    # Base64 has no commas, so each one separates two values; what is nested stays text.
    if _has_more_than(forms.MAX_FIELDS - 1, b",", body):
        raise InvalidRequest(f"the JSON has more than {forms.MAX_FIELDS} values")
    try:
        values: dict[str, bytes] = msgspec.json.decode(
            body.removeprefix(_BOM), type=dict[str, msgspec.Raw]
        )
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidRequest("the body is not valid JSON") from error
    return values


def _has_more_than(most: int, mark: bytes, body: bytes) -> bool:
    """Whether `mark` occurs more than `most` times; where it is rare, `find` beats `count`."""
    at = -1
    for _ in range(most + 1):
        at = body.find(mark, at + 1)
        if at < 0:
            return False
    return True


def _fields(raw: Mapping[str, bytes]) -> dict[str, str]:
    """Strings, integers and truth values, as JSON spells them.

    Others are ignored, but not where a person means something by them. Raises InvalidRequest.
    """
    fields = {}
    for name, value in raw.items():
        try:
            known = json.loads(bytes(value)) if len(bytes(value)) <= _MAX_FIELDS_BYTES else None
        except (ValueError, RecursionError) as error:  # not UTF-8, or a number of 5,000 digits
            raise InvalidRequest("the body is not valid JSON") from error
        if isinstance(known, bool):
            fields[name] = json.dumps(known)
        elif isinstance(known, str | int):
            fields[name] = str(known)[: forms.MAX_FIELD]
        elif known is not None and name in CHANGEABLE:
            raise InvalidRequest(f"{name} is not a text")
    return fields
