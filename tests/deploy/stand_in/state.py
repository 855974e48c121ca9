"""What the stand-in remembers: resources, calls, and which call is to fail."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class StandInError(Exception):
    """What the cloud answers to a command that cannot be done."""


@dataclass
class Call:
    """One command: `run services describe`, its positionals and its flags."""

    path: tuple[str, ...]
    rest: list[str]
    data: str
    names: list[str] = field(default_factory=list)
    flags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Tell flags from positionals; a flag that repeats becomes a list."""
        for word in self.rest:
            if not word.startswith("--"):
                self.names.append(word)
                continue
            name, equals, value = word.removeprefix("--").partition("=")
            if name in self.flags and equals:
                self.flags[name] = f"{self.flags[name]},{value}"
            else:
                self.flags[name] = value if equals else True

    @property
    def name(self) -> str:
        return self.names[0]


class CloudState:
    """Resources by kind and name."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []
        self._fault: dict[str, Any] | None = None
        self._changes = 0
        self.refusal = ""

    def kind(self, name: str) -> dict[str, Any]:
        return self.kinds.setdefault(name, {})

    def get(self, kind: str, name: str) -> Any:
        try:
            return self.kind(kind)[name]
        except KeyError:
            raise StandInError(f"NOT_FOUND: {kind} [{name}] was not found") from None

    def create(self, kind: str, name: str, value: Any) -> None:
        if name in self.kind(kind):
            raise StandInError(f"ALREADY_EXISTS: {kind} [{name}] already exists")
        self.kind(kind)[name] = value

    def text(self) -> str:
        return json.dumps({k: v for k, v in self.kinds.items() if v}, sort_keys=True)

    def record(
        self, words: list[str], *, changed: bool, reads: bool = False, failed: bool = False
    ) -> None:
        self.calls.append({"words": words, "changed": changed, "reads": reads, "failed": failed})

    def fault(self) -> dict[str, Any] | None:
        """Whether this change, counted since the last `fail`, is the one that fails."""
        self._changes += 1
        if self._fault is None or self._changes != self._fault["at"]:
            return None
        return self._fault

    def control(self, what: str, *arguments: str) -> Any:
        """What tests ask: `calls`, `state`, `fail AT before|after ERROR`, `refuse`, `put`, ..."""
        if what == "calls":
            calls, self.calls = self.calls, []
            return calls
        if what == "fail":
            self._changes = 0
            at, when, error = arguments
            self._fault = {"at": int(at), "after": when == "after", "error": error}
        elif what == "refuse":
            (self.refusal,) = arguments
        elif what == "put":
            kind, name, value = arguments
            self.kind(kind)[name] = json.loads(value)
        elif what == "drop":
            kind, name = arguments
            self.kind(kind).pop(name)
        elif what == "reset":
            self.kinds = json.loads(arguments[0])
            self._fault, self.calls, self.refusal = None, [], ""
        return json.loads(self.text())


Handler = Callable[[CloudState, Call], Any]
