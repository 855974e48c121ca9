"""Draws the plates: one small SVG per kind, from a shape and the colours of its parts.

`plates/SHAPE.svg` has a line per part, with the part's name in braces where its colour belongs;
`plates/colours.toml` says which shape and colours a kind has. The shapes are our own drawings.
"""

import re
import tomllib
from pathlib import Path

_SOURCES = Path(__file__).parent / "plates"
_PART = re.compile(r"\{(\w+)\}")


def drawn() -> dict[str, bytes]:
    """Each plate's file name and SVG. A KeyError names a shape that is not there."""
    table = tomllib.loads((_SOURCES / "colours.toml").read_text(encoding="utf-8"))
    return {
        f"{name}.svg": _draw(row["shape"], {**table["shapes"][row["shape"]], **row})
        for name, row in table["plates"].items()
    }


def parts(shape: str) -> set[str]:
    """The parts of a shape that can have a colour."""
    return set(_PART.findall(_shape(shape)))


def _draw(shape: str, colours: dict[str, str]) -> bytes:
    lines = [
        line.format_map(colours)
        for line in _shape(shape).splitlines()
        if set(_PART.findall(line)) <= colours.keys()
    ]
    return "\n".join(lines).encode() + b"\n"


def _shape(name: str) -> str:
    return (_SOURCES / f"{name}.svg").read_text(encoding="utf-8")
