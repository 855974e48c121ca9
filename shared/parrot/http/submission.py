"""The photo in a request, in every way that phones send one."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException

from parrot.errors import InvalidImage, InvalidRequest, PhotoTooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Request

    from parrot.records import Photo

FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_FIRST_VERSION_FIELD = "b64"
_MAX_FIELD = 200  # characters
_MAX_FIELDS = 100
_MAX_FIELDS_BYTES = 16 * 1024  # of a body that has no photo
_SPACE = ord(" ")
_URLSAFE = str.maketrans({" ": "+", "-": "+", "_": "/", "\r": None, "\n": None, "\t": None})


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent: the photo, the other fields, and whether by the first version's form."""

    photo: Photo
    fields: Mapping[str, str]
    first_version: bool


def read_photo(request: Request, *, max_bytes: int) -> Submission:
    """The photo, however it was sent. Size and type are checked, nothing is decoded.

    Raises InvalidImage (400), InvalidRequest, PhotoTooLarge, UnsupportedMedia.
    """
    from parrot import images  # noqa: PLC0415 - Pillow and NumPy, which read_fields never needs

    kind = request.mimetype
    query = {name: value[:_MAX_FIELD] for name, value in request.args.items()}
    first_version = False
    if kind == _MULTIPART:
        data, fields, first_version = _from_form(request)
    elif kind == FORM:
        # `curl --data-binary @photo.jpg` calls everything a form: look before parsing.
        body = _body(request, cache=True)
        if _looks_like_image(body):
            data, fields = body, {}
        else:
            data, fields, first_version = _from_form(request)
    elif kind == "application/json":
        data, fields = _from_json(_body(request))
    elif kind.startswith("image/") or kind in {"application/octet-stream", ""}:
        data, fields = _body(request), {}
    else:
        raise UnsupportedMedia(
            f"a body of type {kind!r:.80} is not supported: send a multipart file 'image',"
            ' a raw image/* body, or JSON {"image": "<base64>"}'
        )
    return Submission(images.read(data, max_bytes=max_bytes), {**query, **fields}, first_version)


def read_fields(request: Request) -> dict[str, str]:
    """The strings and integers of a JSON object, as strings. Raises InvalidRequest."""
    request.max_content_length = _MAX_FIELDS_BYTES
    raw = _json(_body(request))
    if not isinstance(raw, dict):
        raise InvalidRequest("the body is not a JSON object")
    return _fields(raw)


def _body(request: Request, *, cache: bool = False) -> bytes:
    """The whole body. Raises InvalidRequest if it is incomplete, PhotoTooLarge."""
    with _reading():
        body = request.get_data(cache=cache)
    limit = request.max_content_length or 0
    if request.content_length is None and len(body) >= limit:
        raise PhotoTooLarge(size=None, limit=limit)  # a chunked body is silently cut there
    return body


@contextmanager
def _reading() -> Iterator[None]:
    """Each server has its own errors for a body that is incomplete or badly chunked."""
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:
        raise InvalidRequest("the body is incomplete or malformed") from error


def _from_form(request: Request) -> tuple[bytes, dict[str, str], bool]:
    """A form's photo, its other fields, and whether it is the first version's form."""
    if request.mimetype == FORM and request.get_data().count(b"&") > _MAX_FIELDS:
        raise InvalidRequest(f"the form has more than {_MAX_FIELDS} fields")
    with _reading():
        form, files = request.form, request.files
    fields = {name: value[:_MAX_FIELD] for name, value in form.items()}
    encoded = form.get(_FIRST_VERSION_FIELD)
    if encoded is not None:
        fields.pop(_FIRST_VERSION_FIELD)
        return _base64(encoded, _FIRST_VERSION_FIELD), fields, True
    upload = files.get("image")
    if upload is not None:
        return upload.read(), fields, False
    raise InvalidImage("the form has neither a file 'image' nor a field 'b64'", status=400)


def _from_json(body: bytes) -> tuple[bytes, dict[str, str]]:
    raw = _json(body)
    image = raw.pop("image", None) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(image, str):
        raise InvalidImage('the JSON has no "image": "<base64>"', status=400)
    return _base64(image, "image"), _fields(raw)


def _json(body: bytes) -> object:
    # Base64 contains none of these, so they count everything else: a million empty objects would
    # take gigabytes of memory.
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > _MAX_FIELDS:
        raise InvalidRequest(f"the JSON has more than {_MAX_FIELDS} values")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not valid JSON") from error


def _fields(raw: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value)[:_MAX_FIELD]
        for name, value in raw.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }


def _base64(text: str, field: str) -> bytes:
    """Decode base64 as phones send it: line breaks, URL-safe letters, '+' turned into a space."""
    with suppress(ValueError):  # the common case: nothing to repair
        return binascii.a2b_base64(text, strict_mode=True)
    if text.startswith("data:"):
        text = text.partition(",")[2]
    compact = text.strip().translate(_URLSAFE).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImage(f"{field} is not valid base64: {error}", status=400) from error


def _looks_like_image(body: bytes) -> bool:
    """Whether a body that claims to be a form starts with bytes that no form can start with."""
    return body[:1] > b"\x7f" or any(byte < _SPACE for byte in body[:12])
