"""The photo in a form, url-encoded or in parts, and its other fields; base64 as phones send it.

Everything is taken from the body's bytes, and each of them is copied once.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from parrot.errors import InvalidImage, InvalidRequest, TooManyPhotos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_FIELD = 200  # characters
MAX_FIELDS = 100
_FIRST_VERSION_FIELD = b"b64"
_MAX_PART_HEADERS_BYTES = 4 * 1024
_ANY_BYTES = "latin-1"  # shells and old browsers send a filename in the letters of their system
_NAMES_SHOWN = 3  # of parts, in a message
_SPACE = ord(" ")
_URLSAFE = bytes.maketrans(b" -_", b"++/")
_WHITE = b"\r\n\t"


def urlencoded(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The first version's photo and its form's fields. Raises InvalidRequest, InvalidImage."""
    encoded: bytes | None = None
    fields: dict[str, str] = {}
    for number, (name, value) in enumerate(_form_fields(body)):
        if number >= MAX_FIELDS:
            raise InvalidRequest(f"the form has more than {MAX_FIELDS} fields")
        if name != _FIRST_VERSION_FIELD:
            fields.setdefault(_text(name), _text(value))
        elif encoded is None:
            encoded = value
    if encoded is None:
        raise _no_photo(fields)
    return from_base64(_unescaped(encoded), "b64"), fields


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


def in_parts(body: bytes, boundary: str, most: int) -> tuple[list[bytes], dict[str, str], bool]:
    """A form's photos, its other fields, and whether it is the first version's form.

    Where only one photo is wanted, more are ignored. Raises TooManyPhotos, InvalidRequest,
    InvalidImage.
    """
    uploads: list[bytes] = []
    unused: list[bytes] = []  # what a browser sends for a file input without a file
    files: list[str] = []
    encoded: bytes | None = None
    fields: dict[str, str] = {}
    for name, filename, value in _parts(body, boundary):
        if name == "b64":
            encoded = value if encoded is None else encoded
        elif name == "image":
            (uploads if value or filename else unused).append(value)
        elif filename is not None:
            files.append(name)
        else:
            fields.setdefault(name[:MAX_FIELD], _plain(value))
    if encoded is not None:
        return [from_base64(encoded, "b64")], fields, True
    uploads = uploads or unused
    if not uploads:
        raise _no_photo(files or fields)
    if len(uploads) > most > 1:
        raise TooManyPhotos(limit=most)
    return uploads[:most], fields, False


def _no_photo(names: Iterable[str]) -> InvalidImage:
    """The refusal of a form that has only parts of these names."""
    known = ", ".join(f"{name!r:.40}" for name in [*names][:_NAMES_SHOWN])
    return InvalidImage(
        "the form has neither a file 'image' nor a field 'b64'" + (known and f", only {known}"),
        status=400,
    )


def _parts(body: bytes, boundary: str) -> Iterator[tuple[str, str | None, bytes]]:
    """Name, filename if any, and content of each part. Raises InvalidRequest, InvalidImage."""
    import multipart  # noqa: PLC0415 - its import is paid by those who send a form

    if not boundary:
        raise InvalidImage(
            "the form's Content-Type names no boundary: let the HTTP library set it", status=400
        )
    try:
        with multipart.PushMultipartParser(
            boundary,
            max_header_size=_MAX_PART_HEADERS_BYTES,
            max_segment_count=MAX_FIELDS,
            header_charset=_ANY_BYTES,
        ) as parser:
            part: multipart.MultipartSegment | None = None
            chunks: list[bytes] = []
            for event in parser.parse(body):
                if isinstance(event, multipart.MultipartSegment):
                    part, chunks = event, []
                elif event:
                    chunks.append(event)
                elif part is not None:
                    yield _plain(part.name.encode(_ANY_BYTES)), part.filename, b"".join(chunks)
    except multipart.ParserLimitReached as error:
        raise InvalidRequest(
            "the form has too many parts, or part headers that are too long"
        ) from error
    except (multipart.MultipartError, ValueError) as error:
        raise InvalidImage("the form is incomplete or malformed", status=400) from error


def from_base64(text: bytes, field: str) -> bytes:
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
    return _plain(unquote_to_bytes(escaped[: 9 * MAX_FIELD].replace(b"+", b" ")))


def _plain(value: bytes) -> str:
    return value[: 4 * MAX_FIELD].decode("utf-8", "replace")[:MAX_FIELD]


def looks_like_image(body: bytes) -> bool:
    """Whether a body that claims to be a form starts with bytes that no form can start with."""
    return body[:1] > b"\x7f" or any(byte < _SPACE for byte in body[:12])
