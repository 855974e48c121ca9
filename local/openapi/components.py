"""The schemas of answers, from the types of the code, and references to what is described once."""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, get_type_hints

import msgspec

from parrot import errors
from parrot.errors import ParrotError
from parrot.http import problems, rights, schemas
from parrot.observation import Status

Json = dict[str, Any]
SHOWN = [status.value for status in Status if status is not Status.DELETING]
_REF = "#/components/schemas/{name}"
_TIMES = ("created", "updated", "at", "training_at", "first", "last", "begun", "finished")
_FORMATS = {
    **dict.fromkeys(_TIMES, "date-time"),
    **dict.fromkeys(("Files.image", "Files.thumbnail"), "uri"),
    **dict.fromkeys(("Problem.type", "Review.image"), "uri-reference"),
}


def ref(name: str) -> Json:
    """A reference to a schema."""
    return {"$ref": _REF.format(name=name)}


def headers(names: Iterable[str]) -> Json:
    """References to headers, by name."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def coded(root: type[ParrotError]) -> Iterator[type[ParrotError]]:
    """A class of errors and all below it, of which each has a code of its own."""
    if "code" in vars(root):
        yield root
    for child in root.__subclasses__():
        yield from coded(child)


def answer(name: str) -> type:
    """The type of an answer."""
    module = next(module for module in (schemas, rights, problems) if hasattr(module, name))
    kind: type = getattr(module, name)
    return kind


def schemas_of(names: list[str]) -> Json:
    """The schemas of these answers, and of all that is in them."""
    types = [answer(name) for name in names]
    _, made = msgspec.json.schema_components(types, ref_template=_REF)
    codes = {error.code for error in coded(errors.ParrotError)}
    made["Problem"]["properties"]["code"]["enum"] = sorted(codes)
    made["Status"]["enum"] = SHOWN
    for name, schema in made.items():
        if "properties" in schema:  # msgspec sorts them
            order = get_type_hints(answer(name))
            schema["properties"] = {key: schema["properties"][key] for key in order}
    return {name: _for_clients(schema) for name, schema in made.items()}


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
