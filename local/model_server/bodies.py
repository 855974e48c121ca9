"""Request bodies: bytes, possibly gzipped -> a JSON object."""

from __future__ import annotations

import json
import zlib
from typing import Any

import orjson

from local.model_server.errors import BodyTooLarge, InvalidArgument

MAX_BODY_BYTES = 100 * 1024 * 1024  # as sent and after decompression
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say "gzip header expected"

JsonObject = dict[str, Any]


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
            f"The body is not gzip, though Content-Encoding says so: {error}"
        ) from error
    if len(inflated) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES)
    if not inflater.eof:
        raise InvalidArgument("The gzipped body is cut off")
    return inflated


def parse(body: bytes) -> JsonObject:
    """Read a JSON object; NaN, Infinity and -Infinity are numbers here.

    Raises:
        InvalidArgument: anything else.
    """
    if not body:
        raise InvalidArgument("JSON Parse error: The document is empty")
    document: object
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_non_finite(body)
    if not isinstance(document, dict):
        raise InvalidArgument("The body is JSON, but not an object")
    return document


def _parse_non_finite(body: bytes) -> object:
    """Python's parser is slower but accepts NaN and Infinity, which orjson refuses."""
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError too
        raise InvalidArgument(f"JSON Parse error: {error}") from error
