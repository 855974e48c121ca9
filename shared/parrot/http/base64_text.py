"""Base64 as phones send it, in forms and in JSON."""

from __future__ import annotations

import binascii

from parrot.errors import InvalidImage

_URLSAFE = bytes.maketrans(b" -_", b"++/")
_WHITE = b"\r\n\t"


def decoded(text: bytes, field: str) -> bytes:
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
