"""The HTTP API as OpenAPI 3.1, made from the types and limits that the code uses.

`./dev.sh openapi` writes it for programs (docs/openapi.yaml, public/openapi.json) and for people
(public/api.html).
"""

from __future__ import annotations

import json

import msgspec
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.openapi import calls
from local.openapi.parts import Json, errors, parameter
from models import folders
from parrot.errors import ParrotError
from parrot.http import schemas
from parrot.http.parameters import BASE_PATH

ROOT = folders.ROOT
# A server's own 404, for a path that no URL should have, is not described.
_ID = parameter(
    "id",
    "path",
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"},
    "The observation's id.",
)
_ANSWERS = (
    schemas.Classification,
    schemas.JointClassification,
    schemas.Readiness,
    schemas.Observation,
    schemas.ObservationPage,
    schemas.Problem,
)


def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parrot Classifier",
            "version": "1",
            "summary": "Is it a parrot, and which one?",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "Every error is a problem+json (RFC 9457) with a stable `code`. Where `Retry-After`"
                " comes along, the same request may work after that many seconds. docs/app.md shows"
                " each call in Swift, Kotlin, TypeScript and curl."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "Classify"}, {"name": "Observations"}],
        "paths": {
            f"{BASE_PATH}/classify": {"post": calls.classify(), "get": calls.ready()},
            f"{BASE_PATH}/save": {"post": calls.save()},
            f"{BASE_PATH}/observations": {"get": calls.list_()},
            f"{BASE_PATH}/observations/{{id}}": {
                "parameters": [_ID],
                "get": calls.read(),
                "patch": calls.relabel(),
                "delete": calls.delete(),
            },
            f"{BASE_PATH}/observations/{{id}}/{{file}}": {
                "parameters": [
                    _ID,
                    parameter("file", "path", {"enum": ["image", "thumbnail", "original"]}, ""),
                ],
                "get": calls.file(),
            },
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "firebase": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A Firebase ID token; locally `local:NAME`.",
                }
            },
        },
    }


def files() -> dict[str, str]:
    """Each generated file's path in the project, and its content."""
    described = json.loads(json.dumps(document()))  # as plain types: an enum is its value
    environment = Environment(
        loader=FileSystemLoader(ROOT / "local" / "openapi"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("api.html").render(
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


def _schemas() -> Json:
    template = "#/components/schemas/{name}"
    _, schemas = msgspec.json.schema_components(_ANSWERS, ref_template=template)
    for schema in schemas.values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(
        {error.code for error in errors(ParrotError)}
    )
    return dict(schemas)
