"""Request bodies: bytes, possibly gzipped -> a JSON object."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import orjson

from local.model_server.errors import BodyTooLarge, InvalidArgument

MAX_BODY_BYTES = 100 * 1024 * 1024  # as sent and after decompression
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say "gzip header expected"
# What Python's parser says, and TF Serving's for the same.
_PARSER_MESSAGES = (
    ("Extra data", "The document root must not be followed by other values."),
    ("Expecting property name", "Missing a name for object member."),
    ("Expecting ':'", "Missing a colon after a name of object member."),
    ("Expecting ','", "Missing a comma or ] after an array element."),
    ("Unterminated string", "Missing a closing quotation mark in string."),
    ("Invalid \\escape", "Invalid escape character in string."),
)

JsonObject = dict[str, Any]


class Repetitive(dict[str, Any]):
    """An object with a repeated key; the first one counts."""


def decompress(body: bytes, content_encoding: str) -> bytes:
    """Undo `Content-Encoding: gzip`; never inflates more than MAX_BODY_BYTES.

    Raises:
        BodyTooLarge: it would.
        InvalidArgument: not gzip, or cut off.
    """
    if "gzip" not in content_encoding.lower():
        return body
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        inflated = inflater.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise InvalidArgument(
            f"Content-Encoding says gzip, but the body is not gzipped: {error}"
        ) from error
    if len(inflated) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES)
    if not inflater.eof:
        raise InvalidArgument("The gzipped body is cut off")
    return inflated


def parse(body: bytes) -> JsonObject:
    """Read a JSON object; NaN, Infinity and -Infinity are numbers here.

    Of a repeated key the first counts, and the object is `Repetitive`. A number that does not fit
    into a double is an error rather than Infinity.

    Raises:
        InvalidArgument: anything else.
    """
    if not body:
        raise InvalidArgument("JSON Parse error: The document is empty")
    document = _parse(body)
    if not isinstance(document, dict):
        raise InvalidArgument(f"JSON Value: {preview(document)} Is not object")
    return document


def preview(value: object, limit: int = 80) -> str:
    """Write a JSON value for an error message, cut short."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # orjson reads deeper nesting than json can write
        return "(nested too deeply to show)"
    return text if len(text) <= limit else f"{text[:limit]}..."


def _parse(body: bytes) -> object:
    """Let orjson read what it reads right: it is three times as fast on long lists.

    It takes NaN for an error, and of a repeated key the last. Without a colon that is not a
    top-level key's, no key can be repeated.
    """
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_carefully(body)
    if isinstance(document, dict) and len(document) != body.count(b":"):
        return _parse_carefully(body)
    return document


def _parse_carefully(body: bytes) -> object:
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_object, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        sentence = next(
            (theirs for ours, theirs in _PARSER_MESSAGES if error.msg.startswith(ours)),
            "Invalid value.",
        )
        raise InvalidArgument(f"JSON Parse error: {sentence} at offset: {error.pos}") from error
    except (ValueError, OverflowError, RecursionError) as error:  # UnicodeDecodeError too
        raise InvalidArgument(f"JSON Parse error: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(reversed(pairs))
    return found if len(found) == len(pairs) else Repetitive(found)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise OverflowError("Number too big to be stored in double.")
    return value


def _int(text: str) -> int:
    _float(text)
    return int(text)
