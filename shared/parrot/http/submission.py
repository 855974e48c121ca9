"""The photo in a request, in each of the ways that phones send one.

Everything is taken from the body's bytes. A parser that makes text or lists of them first needs
many times their memory: 31 MB of `%41%41...` became 2.6 GB.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from parrot.config import MOST_PHOTOS
from parrot.errors import (
    InvalidImage,
    InvalidRequest,
    PhotoTooLarge,
    RequestError,
    TooManyPhotos,
    UnsupportedMedia,
)
from parrot.http import request_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Request

    from parrot.budget import Reservation
    from parrot.records import Photo

FORM = "application/x-www-form-urlencoded"
_FIRST_VERSION_FIELD = b"b64"
_ROOM_BESIDE_THE_PHOTO = 64 * 1024
_MAX_FIELD = 200  # characters
_MAX_FIELDS = 100
_MAX_FIELDS_BYTES = 16 * 1024  # of a body that has no photo
_MAX_PART_HEADERS_BYTES = 4 * 1024
_BYTES_PER_LETTER = 4  # of a name with one emoji, in memory
_SPACE = ord(" ")
# How JSON may escape base64: some encoders write every '+' as \\u002B.
_JSON_ESCAPES = ((b"\\/", b"/"), (b"\\n", b""), (b"\\r", b""), (b"\\t", b""),
                 (b"\\u002B", b"+"), (b"\\u002b", b"+"), (b"\\u002F", b"/"), (b"\\u002f", b"/"),
                 (b"\\u003D", b"="), (b"\\u003d", b"="))  # fmt: skip
_URLSAFE = bytes.maketrans(b" -_", b"++/")
_WHITE = b"\r\n\t"


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
    query = {name: value[:_MAX_FIELD] for name, value in request.args.items()}
    body = request_body.read(request, most=_most(kind, max_bytes))
    reservation: Reservation = request.environ[request_body.RESERVATION]
    first_version = False
    if kind == "multipart/form-data":
        files, fields, first_version = _from_multipart(body, request, most)
    elif kind == FORM and not _looks_like_image(body):
        data, fields, first_version = _from_form(body)
        files = [data]
    elif kind == "application/json":
        if not body.isascii():
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
    """A JSON object's texts and whole numbers.

    Raises InvalidRequest, PhotoTooLarge, UnsupportedMedia, RequestTimeout, Overloaded.
    """
    raw = _json(request_body.read(request, most=_MAX_FIELDS_BYTES))
    if raw is None:
        raise InvalidRequest("the body is not a JSON object")
    return _fields(raw)


def _most(kind: str, max_bytes: int) -> int:
    """The largest body that can hold a photo of `max_bytes`: base64 makes three bytes four."""
    most = max_bytes * 4 // 3 + _ROOM_BESIDE_THE_PHOTO
    # Percent-encoded base64 grows once more: '+' and '/' become three characters each.
    return most * 5 // 4 if kind == FORM else most


def _from_form(body: bytes) -> tuple[bytes, dict[str, str], bool]:
    """A form's photo and its other fields. Raises InvalidRequest, InvalidImage."""
    encoded: bytes | None = None
    fields: dict[str, str] = {}
    for number, (name, value) in enumerate(_form_fields(body)):
        if number >= _MAX_FIELDS:
            raise InvalidRequest(f"the form has more than {_MAX_FIELDS} fields")
        if name != _FIRST_VERSION_FIELD:
            fields.setdefault(_text(name), _text(value))
        elif encoded is None:
            encoded = value
    if encoded is None:
        raise InvalidImage("the form has neither a file 'image' nor a field 'b64'", status=400)
    return _base64(_unescaped(encoded), "b64"), fields, True


def _form_fields(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and value, both escaped; each byte is copied once."""
    start = 0
    while start <= len(body):
        end = body.find(b"&", start)
        end = len(body) if end < 0 else end
        equals = body.find(b"=", start, end)
        equals = end if equals < 0 else equals
        yield body[start:equals], body[equals + 1 : end]
        start = end + 1


def _unescaped(value: bytes) -> bytes:
    """Undo a form's escapes in one pass: quoted-printable is the same with '=' for '%'.

    Python's own `unquote_to_bytes` makes a list of all escapes: one for every 32 letters of base64.
    """
    if b"%" not in value:
        return value
    if b"=" in value:  # padding that a phone did not escape
        value = value.replace(b"=", b"%3D")
    return binascii.a2b_qp(value.replace(b"%", b"="))


def _from_multipart(
    body: bytes, request: Request, most: int
) -> tuple[list[bytes], dict[str, str], bool]:
    """A form's photos, its other fields, and whether it is the first version's form.

    Where only one photo is wanted, more are ignored. Raises TooManyPhotos, InvalidRequest,
    InvalidImage.
    """
    uploads: list[bytes] = []
    encoded: bytes | None = None
    fields: dict[str, str] = {}
    for name, is_file, value in _parts(body, request):
        if name == "b64":
            encoded = value if encoded is None else encoded
        elif is_file and name == "image":
            uploads.append(value)
        elif not is_file:
            fields.setdefault(name[:_MAX_FIELD], _plain(value))
    if encoded is not None:
        return [_base64(encoded, "b64")], fields, True
    if not uploads:
        raise InvalidImage("the form has neither a file 'image' nor a field 'b64'", status=400)
    if len(uploads) > most > 1:
        raise TooManyPhotos(limit=most)
    return uploads[:most], fields, False


def _parts(body: bytes, request: Request) -> Iterator[tuple[str, bool, bytes]]:
    """Name, whether it is a file, and content of each part. Raises InvalidRequest, InvalidImage."""
    import multipart  # noqa: PLC0415 - its import is paid by those who send a form

    try:
        with multipart.PushMultipartParser(
            request.mimetype_params.get("boundary", ""),
            max_header_size=_MAX_PART_HEADERS_BYTES,
            max_segment_count=_MAX_FIELDS,
        ) as parser:
            part: multipart.MultipartSegment | None = None
            chunks: list[bytes] = []
            for event in parser.parse(body):
                if isinstance(event, multipart.MultipartSegment):
                    part, chunks = event, []
                elif event:
                    chunks.append(event)
                elif part is not None:
                    yield part.name, part.filename is not None, b"".join(chunks)
    except multipart.ParserLimitReached as error:
        raise InvalidRequest(
            "the form has too many parts, or part headers that are too long"
        ) from error
    except (multipart.MultipartError, ValueError) as error:
        raise InvalidImage("the form is incomplete or malformed", status=400) from error


def _from_json(body: bytes) -> tuple[bytes, dict[str, str]]:
    raw = _json(body) or {}
    image = bytes(raw.pop("image", b""))
    if image[:1] != b'"':
        raise InvalidImage('the JSON has no "image": "<base64>"', status=400)
    encoded = image[1:-1]
    if b"\\" in encoded:
        for escape, letter in _JSON_ESCAPES:
            encoded = encoded.replace(escape, letter)
    return _base64(encoded, "image"), _fields(raw)


def _json(body: bytes) -> dict[str, bytes] | None:
    """The values of an object, each still JSON; None for anything else. Raises InvalidRequest."""
    import msgspec  # noqa: PLC0415 - its import is paid by those who send JSON

    # Base64 has no commas, so each one separates two values; what is nested stays text.
    if _has_more_than(_MAX_FIELDS - 1, b",", body):
        raise InvalidRequest(f"the JSON has more than {_MAX_FIELDS} values")
    try:
        values: dict[str, bytes] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
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
    """Strings and integers; other values are ignored."""
    fields = {}
    for name, value in raw.items():
        try:
            known = json.loads(bytes(value)) if len(bytes(value)) <= _MAX_FIELDS_BYTES else None
        except (ValueError, RecursionError) as error:  # not UTF-8, or a number of 5,000 digits
            raise InvalidRequest("the body is not valid JSON") from error
        if isinstance(known, str | int) and not isinstance(known, bool):
            fields[name] = str(known)[:_MAX_FIELD]
    return fields


def _base64(text: bytes, field: str) -> bytes:
    """Decode what phones make of base64: line breaks, URL-safe letters, '+' turned to a space."""
    import pybase64  # noqa: PLC0415 - 50 times as fast as binascii; paid by those who send base64

    if not text.isascii():
        raise InvalidImage(
            f"{field} is not valid base64: it contains non-ASCII characters", status=400
        )
    try:
        return pybase64.b64decode(text, validate=True)
    except binascii.Error:
        pass  # repaired below; nearly every phone sends valid base64
    if text.startswith(b"data:"):
        text = text.partition(b",")[2]
    compact = text.strip().translate(_URLSAFE, _WHITE).rstrip(b"=")
    try:
        return pybase64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidImage(f"{field} is not valid base64: {error}", status=400) from error


def _text(escaped: bytes) -> str:
    """A form's name or value, cut before it is unescaped."""
    return _plain(unquote_to_bytes(escaped[: 9 * _MAX_FIELD].replace(b"+", b" ")))


def _plain(value: bytes) -> str:
    return value[: 4 * _MAX_FIELD].decode("utf-8", "replace")[:_MAX_FIELD]


def _looks_like_image(body: bytes) -> bool:
    """Whether a body that claims to be a form starts with bytes that no form can start with."""
    return body[:1] > b"\x7f" or any(byte < _SPACE for byte in body[:12])
