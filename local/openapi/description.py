"""The HTTP API as OpenAPI 3.1: the YAML files beside this, with the types and errors of the code.

`./dev.sh openapi` writes docs/openapi.yaml and public/openapi.json, which the page /api shows.
"""

import inspect
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, get_type_hints

import msgspec
import yaml
from jinja2 import StrictUndefined, Template

from models import folders
from parrot import errors
from parrot.config import MAX_PHOTO_BYTES, MOST_PHOTOS
from parrot.errors import ParrotError
from parrot.http import problems, rights, schemas
from parrot.http.parameters import BASE_PATH
from parrot.http.tips import MAYBE_TIP, TIPS
from parrot.observation import Status
from parrot.records import Reason

Json = dict[str, Any]
Kind = type[ParrotError]
Refusal = tuple[int, str, Kind]  # its status, and the name of its example

ROOT = folders.ROOT
_SHOWN = [status.value for status in Status if status is not Status.DELETING]
_USUAL = {"tags": ["Observations"], "security": [{"firebase": []}]}
_UNEXPECTED: Refusal = (ParrotError.status, ParrotError.code, ParrotError)
_REF = "#/components/schemas/{name}"
_TIMES = ("created", "updated", "at", "training_at", "first", "last", "begun", "finished")
_FORMATS = {
    **dict.fromkeys(_TIMES, "date-time"),
    **dict.fromkeys(("Files.image", "Files.thumbnail"), "uri"),
    **dict.fromkeys(("Problem.type", "Review.image"), "uri-reference"),
}
_HEADERS = {
    429: ("RateLimit", "RateLimit-Policy", "Retry-After"),
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    416: ("Content-Range",),
    503: ("Retry-After",),
    504: ("Retry-After",),
}


def document() -> Json:
    """The whole description, of plain JSON types."""
    api = _read("api.yaml")
    mib = MAX_PHOTO_BYTES // 2**20
    calls = _read("calls.yaml", photos=MOST_PHOTOS, statuses=_SHOWN, mib=mib)
    examples = _read("examples.yaml", tip=TIPS[Reason.OTHER_BIRD], maybe=MAYBE_TIP)
    components = {
        "schemas": {**_schemas([*examples, "Problem"]), **calls.pop("schemas")},
        "headers": api.pop("headers"),
        "examples": _problems(),
        "securitySchemes": api.pop("securitySchemes"),
    }
    paths = {
        f"{BASE_PATH if path.startswith('/') else '/'}{path}": _path(item, examples)
        for path, item in calls.items()
    }
    described = {**api, "paths": paths, "components": components}
    return dict(json.loads(json.dumps(described)))  # an enum is its value


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
    text = (ROOT / "local" / "openapi" / name).read_text(encoding="utf-8")
    rows = yaml.safe_load(Template(text, undefined=StrictUndefined).render(values))
    return {key: value for key, value in rows.items() if key != "shared"}


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
        described["responses"] |= _refusals([*kinds, "MethodNotAllowed"])
    if "parameters" in call:
        described["parameters"] = _parameters(call["parameters"])
    return described


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
        described["headers"] = _headers([*ours, *answer.get("headers", [])])
    if "json" not in answer:
        return described
    shown: Json = {
        name: {"value": msgspec.convert(examples[kind][name], _type(kind))}
        for kind, names in answer["json"].items()
        for name in names
    }
    kind = answer.get("union") or next(iter(answer["json"]))
    return {**described, "content": {"application/json": {"schema": _ref(kind), "examples": shown}}}


def _refusals(names: list[str]) -> Json:
    """A response per status, with the codes that it can have: of these classes, or 500."""
    rows = [_UNEXPECTED, *(row for name in names for row in _coded(getattr(errors, name)))]
    rows.sort(key=lambda row: (row[0], row[2].code))
    answers = {}
    for status, group in groupby(rows, itemgetter(0)):
        kinds = [(name, kind) for _, name, kind in group]
        shown = {kind.code: {"$ref": f"#/components/examples/{name}"} for name, kind in kinds}
        answers[str(status)] = {
            "description": "; ".join(f"`{kind.code}`: {kind.title}" for _, kind in kinds),
            "content": {"application/problem+json": {"schema": _ref("Problem"), "examples": shown}},
            "headers": _headers(["X-Request-Id", *_HEADERS.get(status, ())]),
        }
    return answers


def _problems() -> Json:
    """One of each code, and of `invalid_image` one of each status."""
    return {
        name: {
            "value": problems.Problem(
                type=f"{BASE_PATH}/errors#{kind.code}",
                title=kind.title,
                status=status,
                detail=(kind.__doc__ or "").partition("\n")[0],
                code=kind.code,
            )
        }
        for status, name, kind in (
            *(_UNEXPECTED, *_coded(errors.RequestError), *_coded(errors.BackendError)),
        )
    }


def _schemas(names: list[str]) -> Json:
    """The schemas of these answers, and of all that is in them."""
    types = [_type(name) for name in names]
    _, made = msgspec.json.schema_components(types, ref_template=_REF)
    codes = {kind.code for _, _, kind in _coded(errors.ParrotError)}
    made["Problem"]["properties"]["code"]["enum"] = sorted(codes)
    made["Status"]["enum"] = _SHOWN
    for name, schema in made.items():
        if "properties" in schema:  # msgspec sorts them
            order = get_type_hints(_type(name))
            schema["properties"] = {key: schema["properties"][key] for key in order}
    return {name: _for_clients(schema) for name, schema in made.items()}


def _type(name: str) -> type:
    """The type of an answer."""
    module = next(module for module in (schemas, rights, problems) if hasattr(module, name))
    kind: type = getattr(module, name)
    return kind


def _for_clients(schema: Json) -> Json:
    """A schema of answers that stays true when they gain values, with formats for typed clients."""
    if "description" in schema:  # a docstring, whose indented lines Markdown would take for code
        schema = {**schema, "description": inspect.cleandoc(schema["description"])}
    if "enum" in schema:
        known = schema["enum"]
        listed = "Known values: " + ", ".join(f"`{value}`" for value in known)
        text = " ".join(
            filter(None, (schema.get("description"), f"{listed}; there may be others."))
        )
        rest = {key: value for key, value in schema.items() if key != "enum"}
        return {**rest, "type": "string", "description": text, "x-extensible-enum": known}
    if {"type": "null"} in schema.get("anyOf", ()):
        (kind,) = [option for option in schema["anyOf"] if option != {"type": "null"}]
        if "type" in kind:
            return {**_for_clients(kind), "type": [kind["type"], "null"]}
    if "properties" in schema:
        properties = {name: _for_clients(kind) for name, kind in schema["properties"].items()}
        for name, kind in properties.items():
            known = _FORMATS.get(name) or _FORMATS.get(f"{schema['title']}.{name}")
            if known and kind.get("type") in ("string", ["string", "null"]):
                kind["format"] = known
        return {**schema, "properties": properties}
    return {**schema, "format": "double"} if schema.get("type") == "number" else schema


def _ref(name: str) -> Json:
    """A reference to a schema."""
    return {"$ref": _REF.format(name=name)}


def _headers(names: Iterable[str]) -> Json:
    """References to headers, by name."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _coded(root: Kind) -> Iterator[Refusal]:
    """A class of errors and all below it, of which each has a code of its own."""
    if "code" in vars(root):
        yield root.status, root.code, root
    if root is errors.InvalidImage:
        yield 422, f"{root.code}_422", root
    for child in root.__subclasses__():
        yield from _coded(child)
