"""The HTTP API as OpenAPI 3.1: `calls.yaml`, with the types, errors and limits of the code.

`./dev.sh openapi` writes docs/openapi.yaml and public/openapi.json, which the page /api shows.
"""

import json
from typing import Any

import msgspec
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.openapi import components, problem_answers
from local.openapi.components import Json, headers, ref
from models import folders
from parrot.config import MAX_PHOTO_BYTES, MOST_PHOTOS
from parrot.http.parameters import BASE_PATH
from parrot.http.tips import MAYBE_TIP, TIPS
from parrot.records import Reason

ROOT = folders.ROOT
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_FILES = {"application/octet-stream": _BINARY, "image/*": _BINARY}
_USUAL = {"tags": ["Observations"], "security": [{"firebase": []}]}
_TAGS = [
    {"name": "Classify", "description": "What a photo shows. Needs no user, usually."},
    {"name": "Observations", "description": "The photos that a user keeps. Needs a user."},
    {"name": "Reviews", "description": "What reviewers decide. Needs the custom claim `reviewer`."},
    {"name": "Me", "description": "All that is kept about a user. Needs that user."},
]
_INFO = {
    "title": "Parrot Classifier",
    "version": "1",
    "summary": "Is it a parrot, and which one?",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "contact": {"name": "The people who run this service"},
    "description": (
        "Every error is a problem+json (RFC 9457) with a stable `code`. If there is a `Retry-After`"
        " header, the same request may work after that many seconds. Answers may gain fields, and a"
        " string with known values may gain others: ignore what you do not know. docs/app.md shows"
        " each call in Swift, Kotlin, TypeScript, Python and curl."
    ),
}
_FIREBASE = {
    "type": "http",
    "scheme": "bearer",
    "description": "A Firebase ID token; locally `local:NAME`.",
}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ROOT / "local" / "openapi"),
    autoescape=False,  # noqa: S701 - YAML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def document() -> Json:
    """The whole description, of plain JSON types."""
    calls = _read("calls.yaml", files=_FILES, photos=MOST_PHOTOS, statuses=components.SHOWN)
    examples = _read("examples.yaml", tip=TIPS[Reason.OTHER_BIRD], maybe=MAYBE_TIP)
    described = {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/"}],
        "tags": _TAGS,
        "paths": {_url(path): _path(item, examples) for path, item in calls.items()},
        "components": {
            "schemas": {**components.schemas_of([*examples, "Problem"]), **_named_schemas(calls)},
            "headers": _read("headers.yaml"),
            "examples": problem_answers.examples(),
            "securitySchemes": {"firebase": _FIREBASE},
        },
    }
    return dict(json.loads(json.dumps(described)))  # an enum is its value


def _url(path: str) -> str:
    return BASE_PATH + path if path.startswith("/") else f"/{path}"


def files() -> dict[str, str]:
    """Each generated file's path in the project, and its content."""
    described = document()
    header = "# Made by ./dev.sh openapi from the code's own types; do not edit.\n"
    return {
        "docs/openapi.yaml": header
        + yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=100),
        "public/openapi.json": json.dumps(described, ensure_ascii=False) + "\n",
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
    described = {"operationId": call["operationId"], **_USUAL, **call}
    kinds = described.pop("errors", [])
    ours = ["X-Request-Id"] if kinds else []  # not of Hosting's files
    described["responses"] = {
        str(status): _answer(answer, ours, examples) for status, answer in call["responses"].items()
    }
    if kinds:
        described["responses"] |= problem_answers.of([*kinds, "MethodNotAllowed"])
    if "parameters" in call:
        described["parameters"] = _parameters(call["parameters"])
    if described.pop("photo", None):
        described["requestBody"] = _photo_body(_named(call, "Form"), _named(call, "Json"))
    if body := described.pop("body", None):
        content = {"schema": ref(_named(call, "Json")), "example": body["example"]}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _photo_body(form: str, encoded: str) -> Json:
    return {
        "required": True,
        "description": (
            f"Up to {MAX_PHOTO_BYTES // 2**20} MiB: JPEG, PNG, WebP, HEIC or AVIF. A body that is"
            " the photo itself may name its own type, `image/...`, too."
        ),
        "content": {
            "multipart/form-data": {"schema": ref(form)},
            "application/json": {"schema": ref(encoded)},
            "application/octet-stream": _BINARY,
        },
    }


def _named_schemas(calls: Json) -> Json:
    """The schemas of bodies, and the unions of answers: generated clients name their types so."""
    named: Json = {}
    for call in (call for item in calls.values() for call in item.values() if "responses" in call):
        if fields := call.get("photo"):
            named[_named(call, "Form")] = _body(fields)
            named[_named(call, "Json")] = _body({**fields, "image": _BASE64})
        if body := call.get("body"):
            named[_named(call, "Json")] = body["schema"]
        for answer in call["responses"].values():
            if union := answer.get("union"):
                named[union] = {"anyOf": [ref(kind) for kind in answer["json"]]}
    return named


def _named(call: Json, kind: str) -> str:
    operation: str = call["operationId"]
    return f"{operation[0].upper()}{operation[1:]}{kind}"


def _body(fields: Json) -> Json:
    return {"type": "object", "properties": fields, "required": ["image"]}


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


def _answer(answer: Json, ours: list[str], examples: Json) -> Json:
    described = {key: value for key, value in answer.items() if key not in {"json", "union"}}
    if "headers" in answer or ours:
        described["headers"] = headers([*ours, *answer.get("headers", [])])
    if "json" not in answer:
        return described
    shown: Json = {
        name: {"value": msgspec.convert(examples[kind][name], components.answer(kind))}
        for kind, names in answer["json"].items()
        for name in names
    }
    kind = answer.get("union") or next(iter(answer["json"]))
    return {**described, "content": {"application/json": {"schema": ref(kind), "examples": shown}}}
