"""Observations as plain documents, the same in every store.

Times are ISO 8601 in UTC with all six digits of the microseconds, so that text sorts like time and
is read back exactly.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from parrot.observation import Attempts, Derived, Label, Observation, Status, Verdict
from parrot.records import Reason


def instant(when: datetime) -> str:
    """A time as text that sorts like it."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def document(observation: Observation) -> dict[str, Any]:
    """Every field, in types that JSON and Firestore both have."""
    return {
        **{field.name: getattr(observation, field.name) for field in fields(Observation)},
        "labels": [{**asdict(label), "at": instant(label.at)} for label in observation.labels],
        "status": observation.status.value,
        "created": instant(observation.created),
        "updated": instant(observation.updated),
        "verdict": None if observation.verdict is None else _verdict_document(observation.verdict),
        "derived": None if observation.derived is None else asdict(observation.derived),
        "attempts": None if observation.attempts is None else asdict(observation.attempts),
    }


def observation(stored: dict[str, Any]) -> Observation:
    """The observation of a document; fields that it does not have are ignored.

    Documents that are older than `attempts` have none.
    """
    known = {"attempts": None, **stored}
    known = {field.name: known[field.name] for field in fields(Observation)}
    return Observation(
        **{
            **known,
            "labels": tuple(
                Label(
                    label["species"],
                    label["index"],
                    datetime.fromisoformat(label["at"]),
                    label.get("text"),  # older documents have none
                )
                for label in stored["labels"]
            ),
            "status": Status(stored["status"]),
            "created": datetime.fromisoformat(stored["created"]),
            "updated": datetime.fromisoformat(stored["updated"]),
            "verdict": None if stored["verdict"] is None else _verdict(stored["verdict"]),
            "derived": None if stored["derived"] is None else Derived(**stored["derived"]),
            "attempts": None if known["attempts"] is None else Attempts(**known["attempts"]),
        }
    )


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "reason": verdict.reason.value if verdict.reason else None}


def _verdict(stored: dict[str, Any]) -> Verdict:
    reason = stored.get("reason")  # older documents have none
    return Verdict(**{**stored, "reason": Reason(reason) if reason else None})
