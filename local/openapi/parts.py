"""What the descriptions of several calls share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parrot.config import MAX_PHOTO_BYTES, MOST_PHOTOS
from parrot.errors import InvalidImage, ParrotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")
Json = dict[str, Any]


def photo_body(fields: Json, *, several: bool = False) -> Json:
    """The three ways to send a photo; `fields` travel in a form or in JSON.

    `several`: a form may have more than one.
    """
    image = {"type": "string", "contentEncoding": "base64"}
    file: Json = {"type": "string", "format": "binary"}
    if several:
        file = {"type": "array", "items": file, "minItems": 1, "maxItems": MOST_PHOTOS}
    form: Json = {"type": "object", "properties": {"image": file, **fields}}
    raw = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES}
    return {
        "required": True,
        "description": f"Up to {MAX_PHOTO_BYTES // 2**20} MiB: JPEG, PNG, WebP, HEIC or AVIF.",
        "content": {
            "multipart/form-data": {"schema": {**form, "required": ["image"]}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"image": image, **fields},
                    "required": ["image"],
                }
            },
            **raw,
        },
    }


def problems(*kinds: type[ParrotError]) -> Json:
    """A response per status, with the codes that it can have."""
    statuses: dict[int, list[type[ParrotError]]] = {}
    for error in (*_coded(kinds), ParrotError):
        for status in _statuses(error):
            statuses.setdefault(status, []).append(error)
    return {
        str(status): {
            "description": "; ".join(
                sorted({f"`{error.code}`: {error.title}" for error in sharing})
            ),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
            "headers": {"Retry-After": {"schema": {"type": "integer"}}}
            if status in {429, 503, 504}
            else {},
        }
        for status, sharing in sorted(statuses.items())
    }


def _statuses(error: type[ParrotError]) -> tuple[int, ...]:
    return (400, 422) if error is InvalidImage else (error.status,)


def _coded(kinds: Iterable[type[ParrotError]]) -> list[type[ParrotError]]:
    return [leaf for error in kinds for leaf in errors(error) if "code" in vars(leaf)]


def errors(root: type[ParrotError]) -> Iterator[type[ParrotError]]:
    """A class of errors and everything below it."""
    yield root
    for child in root.__subclasses__():
        yield from errors(child)


def answer(description: str, schema: str | tuple[str, ...], shown: Json) -> Json:
    """A JSON body of a named schema, or of one of several, with examples."""
    names = (schema,) if isinstance(schema, str) else schema
    kinds = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {
        "description": description,
        "content": {
            "application/json": {
                "schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds},
                "examples": {name: {"value": value} for name, value in shown.items()},
            }
        },
    }


def parameter(name: str, place: str, schema: Json, description: str) -> Json:
    """One parameter; `place` is where it travels."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def if_match() -> Json:
    """The header of a conditional change."""
    return parameter("If-Match", "header", string(), "Only if the label is still that ETag's.")


def if_none_match() -> Json:
    """The header of a conditional read."""
    return parameter("If-None-Match", "header", string(), "304 if it still is that ETag's.")


def etag() -> Json:
    """The header that both compare with."""
    return {"ETag": {"schema": {"type": "string"}}}


def string(most: int | None = None) -> Json:
    """A text that is not empty."""
    return {"type": "string", "minLength": 1, **({"maxLength": most} if most else {})}
