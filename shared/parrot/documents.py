"""Records as documents, the same in every store: observations, and notes about erasures.

Their times are ISO 8601 in UTC with all six digits of the microseconds, so that text sorts like
time and is read back exactly. An observation's document says which FORM it has: `restored` reads
every older one, and `./dev.sh models migrate` writes them again in today's.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from parrot.consent import Consent
from parrot.observation import (
    FORM,
    Attempts,
    Derived,
    Label,
    Observation,
    Opinion,
    Status,
    Verdict,
)
from parrot.receipt import Erasure
from parrot.records import Embedded, Reason
from parrot.sighting import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)

_OLDEST_FORM = 1
_time = datetime.fromisoformat


def instant(when: datetime) -> str:
    """A time as text that sorts like it."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def document(observation: Observation) -> dict[str, Any]:
    """The observation as it is stored today."""
    return {**plain(observation), "form": FORM}


def restored(stored: dict[str, Any]) -> Observation:
    """The observation of a document."""
    return _record(
        Observation,
        {"form": _OLDEST_FORM, **stored},
        labels=_each(Label, at=_time),
        status=Status,
        created=_time,
        updated=_time,
        verdict=partial(_record, Verdict, reason=_reason, likely=tuple),
        derived=partial(_record, Derived),
        attempts=partial(_record, Attempts),
        opinions=_each(Opinion, at=_time),
        consent=partial(_record, Consent, at=_time),
        learnt_by=tuple,
        sighting=partial(_record, Sighting),
        lease=_time,
        embedded=partial(_record, Embedded, vector=tuple),
    )


def restored_erasure(stored: dict[str, Any]) -> Erasure:
    """The note of a document that `plain` made."""
    return _record(Erasure, stored, begun=_time, batch=tuple, bundles=tuple, finished=_time)


def plain(record: DataclassInstance) -> dict[str, Any]:
    """Every field, in types that JSON and Firestore both have."""
    return {field.name: _value(getattr(record, field.name)) for field in fields(record)}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [_value(part) for part in value]
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Enum):
        return value.value
    return plain(value) if is_dataclass(value) and not isinstance(value, type) else value


def _record(kind: type[Record], stored: dict[str, Any], **reads: Callable[[Any], Any]) -> Record:
    """Of the fields that both have: older documents lack some, and later ones have others."""
    known = {field.name: stored[field.name] for field in fields(kind) if field.name in stored}
    read = {name: reads[name](known[name]) for name in reads if known.get(name) is not None}
    return kind(**known | read)


def _reason(text: str) -> Reason | None:
    """None for one that only a later release knows."""
    return next((reason for reason in Reason if reason == text), None)


def _each(kind: type[Record], **reads: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda rows: tuple(_record(kind, row, **reads) for row in rows)
