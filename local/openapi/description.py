"""The HTTP API as OpenAPI 3.1: `calls.yaml`, with the types, errors and limits of the code.

`./dev.sh openapi` writes it for programs (docs/openapi.yaml, public/openapi.json) and for people
(public/api.html).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from models import folders
from parrot import errors
from parrot.config import MAX_PHOTO_BYTES, MOST_PHOTOS
from parrot.http import schemas
from parrot.http.answers import MAYBE_TIP, TIPS
from parrot.http.parameters import BASE_PATH
from parrot.observation import Status
from parrot.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parrot.errors import ParrotError

ROOT = folders.ROOT
Json = dict[str, Any]
_REF = "#/components/schemas/{name}"
_BINARY = {"type": "string", "format": "binary"}
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")
_FILES = {kind: {"schema": _BINARY} for kind in _TYPES}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}}}
_LATER = {429, 503, 504}
_USUAL = {"tags": ["Observations"], "security": [{"firebase": []}]}
_INFO = {
    "title": "Parrot Classifier",
    "version": "1",
    "summary": "Is it a parrot, and which one?",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": (
        "Every error is a problem+json (RFC 9457) with a stable `code`. If there is a `Retry-After`"
        " header, the same request may work after that many seconds. docs/app.md shows each call in"
        " Swift, Kotlin, TypeScript and curl."
    ),
}
_FIREBASE = {
    "type": "http",
    "scheme": "bearer",
    "description": "A Firebase ID token; locally `local:NAME`.",
}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROOT / "local" / "openapi"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def document() -> Json:
    """The whole description, of plain JSON types."""
    listed = [status.value for status in Status if status is not Status.DELETING]
    calls = _read("calls.yaml", files=_FILES, photos=MOST_PHOTOS, statuses=listed)
    examples = _read("examples.yaml", tip=TIPS[Reason.OTHER_BIRD], maybe=MAYBE_TIP)
    described = {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/"}],
        "tags": [{"name": "Classify"}, {"name": "Observations"}],
        "paths": {BASE_PATH + path: _path(item, examples) for path, item in calls.items()},
        "components": {
            "schemas": _schemas(list(examples)),
            "securitySchemes": {"firebase": _FIREBASE},
        },
    }
    return dict(json.loads(json.dumps(described)))  # an enum is its value


def files() -> dict[str, str]:
    """Each generated file's path in the project, and its content."""
    described = document()
    page = _ENVIRONMENT.get_template("api.html").render(
        api=described, dump=lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    )
    header = "# Made by ./dev.sh openapi from the code's own types; do not edit.\n"
    return {
        "docs/openapi.yaml": header
        + yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=100),
        "public/openapi.json": json.dumps(described, ensure_ascii=False) + "\n",
        "public/api.html": page + "\n",
    }


def write() -> list[str]:
    """Write every file that changed; their paths."""
    changed = []
    for name, text in files().items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _read(name: str, **values: object) -> Json:
    """A file of this folder, without what only its own lines share."""
    text = _ENVIRONMENT.get_template(name).render(values)
    return {key: value for key, value in yaml.safe_load(text).items() if key != "shared"}


def _path(item: Json, examples: Json) -> Json:
    return {
        key: _parameters(value) if key == "parameters" else _call(value, examples)
        for key, value in item.items()
    }


def _call(call: Json, examples: Json) -> Json:
    """A call in OpenAPI's own form."""
    kinds = [getattr(errors, name) for name in call["errors"]]
    answers = {
        str(status): _answer(answer, examples) for status, answer in call["responses"].items()
    }
    described = {"operationId": call["operationId"], **_USUAL, **call}
    del described["errors"]
    if "parameters" in call:
        described["parameters"] = _parameters(call["parameters"])
    if "photo" in call:
        described["requestBody"] = _photo_body(described.pop("photo"))
    return {**described, "responses": answers | _problems(kinds)}


def _photo_body(fields: Json) -> Json:
    form, encoded = (
        {"schema": {"type": "object", "properties": properties, "required": ["image"]}}
        for properties in (fields, {**fields, "image": _BASE64})
    )
    return {
        "required": True,
        "description": f"Up to {MAX_PHOTO_BYTES // 2**20} MiB: JPEG, PNG, WebP, HEIC or AVIF.",
        "content": {"multipart/form-data": form, "application/json": encoded, **_FILES},
    }


def _parameters(rows: list[list[Any]]) -> list[Json]:
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path",
            "schema": schema,
            "description": description,
        }
        for name, place, schema, description in rows
    ]


def _answer(answer: Json, examples: Json) -> Json:
    if "json" not in answer:
        return answer
    kinds = [{"$ref": _REF.format(name=name)} for name in answer["json"]]
    shown = {
        name: {"value": msgspec.convert(examples[kind][name], getattr(schemas, kind))}
        for kind, names in answer["json"].items()
        for name in names
    }
    body = {"schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}, "examples": shown}
    described = {key: value for key, value in answer.items() if key != "json"}
    return {**described, "content": {"application/json": body}}


def _problems(kinds: list[type[ParrotError]]) -> Json:
    """A response per status, with the codes that it can have: of these classes, or 500."""
    titles: dict[int, set[str]] = {}
    leaves = [leaf for kind in kinds for leaf in _coded(kind)]
    leaves.append(errors.ParrotError)
    for error in leaves:
        for status in (400, 422) if error is errors.InvalidImage else (error.status,):
            titles.setdefault(status, set()).add(f"`{error.code}`: {error.title}")
    problem = {"schema": {"$ref": _REF.format(name="Problem")}}
    return {
        str(status): {
            "description": "; ".join(sorted(sharing)),
            "content": {"application/problem+json": problem},
            "headers": _RETRY_AFTER if status in _LATER else {},
        }
        for status, sharing in sorted(titles.items())
    }


def _coded(root: type[ParrotError]) -> Iterator[type[ParrotError]]:
    """A class of errors and all below it, of which each has a code of its own."""
    if "code" in vars(root):
        yield root
    for child in root.__subclasses__():
        yield from _coded(child)


def _schemas(names: list[str]) -> Json:
    """The schemas of these answers, and of all that is in them."""
    types = [getattr(schemas, name) for name in (*names, "Problem")]
    _, made = msgspec.json.schema_components(types, ref_template=_REF)
    for schema in made.values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    codes = {error.code for error in _coded(errors.ParrotError)}
    made["Problem"]["properties"]["code"]["enum"] = sorted(codes)
    return dict(made)
