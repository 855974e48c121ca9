"""Environment variables, read and checked: every problem is collected, none stops at once."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from parrot.errors import BadConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SHORTEST_SECRET = 32
_KEY_BYTES = 32  # of an Ed25519 key
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


class Reader:
    """Collects problems instead of stopping at the first one."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []

    def problem(self, text: str) -> None:
        """Note one."""
        self._problems.append(text)

    def finish(self) -> None:
        """Raises BadConfig, with every problem that was noted."""
        if self._problems:
            raise BadConfig("; ".join(self._problems))

    def required(self, name: str, fits: Callable[[str], object]) -> str:
        """A text that must be there."""
        if not self._env.get(name, "").strip():
            self.problem(f"{name} is not set")
        return self.optional(name, fits) or ""

    def optional(self, name: str, fits: Callable[[str], object]) -> str | None:
        """A text, or None if it is empty."""
        value = self._env.get(name, "").strip()
        if not value:
            return None
        if not fits(value):
            self.problem(f"{name}={value!r:.80} is not valid")
            return None
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        """One of these."""
        value = self._env.get(name, "").strip() or default
        if value not in allowed:
            self.problem(f"{name}={value!r:.40} is not one of {', '.join(allowed)}")
        return value if value in allowed else allowed[0]

    def flag(self, name: str) -> bool:
        """True or false; false if it is empty."""
        value = self._env.get(name, "").strip().lower()
        if value not in _TRUE | _FALSE:
            self.problem(f"{name}={value!r:.40} is neither true nor false")
        return value in _TRUE

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Within these bounds."""
        text = self._env.get(name, "").strip()
        try:
            value = float(text) if text else default
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            self.problem(f"{name}={text!r:.40} is not a number from {low:g} to {high:g}")
            return default
        return value

    def count(self, name: str, default: int, *, low: int = 0, high: int = 1_000_000) -> int:
        """A whole number within these bounds."""
        return int(self.number(name, default, low=low, high=high))

    def secrets(self, name: str) -> tuple[bytes, ...]:
        """Several, separated by commas."""
        secrets = tuple(part.encode() for part in self.names(name))
        if any(len(secret) < _SHORTEST_SECRET for secret in secrets):
            self.problem(f"{name} is shorter than {_SHORTEST_SECRET} characters")
        return secrets

    def seed(self, name: str) -> bytes | None:
        """An Ed25519 key's 32 bytes in hex digits, which no message shows; None if it is empty."""
        text = self._env.get(name, "").strip()
        if text and not re.fullmatch(f"[0-9a-f]{{{2 * _KEY_BYTES}}}", text):
            self.problem(f"{name} is not {2 * _KEY_BYTES} hex digits")
            return None
        return bytes.fromhex(text) if text else None

    def public_keys(self, name: str) -> tuple[bytes, ...]:
        """Ed25519 keys in base64, separated by commas."""
        keys = [_public_key(part) for part in self.names(name)]
        if None in keys:
            self.problem(f"{name} is not {_KEY_BYTES} bytes in base64, or several with commas")
        return tuple(key for key in keys if key is not None)

    def pairs(self, name: str, fits: Callable[[str], object]) -> dict[str, str]:
        """NAME=URL, separated by commas."""
        pairs = {}
        for part in self.names(name):
            key, _, value = part.partition("=")
            if key and fits(value):
                pairs[key] = value
            else:
                self.problem(f"{name}: {part!r:.80} is not NAME=URL")
        return pairs

    def origins(self, name: str, default: str) -> tuple[str, ...]:
        """As browsers write them, who compare letter by letter: without a slash at the end."""
        parts = self._env.get(name, default).split(",")
        return tuple(part.strip().rstrip("/").lower() for part in parts)

    def names(self, name: str) -> tuple[str, ...]:
        """Several, separated by commas."""
        parts = (part.strip() for part in self._env.get(name, "").split(","))
        return tuple(part for part in parts if part)


def _public_key(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == _KEY_BYTES else None


def is_url(text: str) -> bool:
    """Whether it is the URL of a server, or below it."""
    return re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) is not None
