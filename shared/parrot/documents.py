"""Observations as plain documents, one form for every store.

Times are ISO 8601 in UTC with all six digits of the microseconds, so that text sorts as time does
and comes back exactly.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from parrot.observation import Derived, Label, Observation, Status, Verdict


def instant(when: datetime) -> str:
    """A time as text that sorts."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def document(observation: Observation) -> dict[str, Any]:
    """Every field, in types that JSON and Firestore both know."""
    return {
        **{field.name: getattr(observation, field.name) for field in fields(Observation)},
        "labels": [{**asdict(label), "at": instant(label.at)} for label in observation.labels],
        "status": observation.status.value,
        "created": instant(observation.created),
        "updated": instant(observation.updated),
        "verdict": None if observation.verdict is None else asdict(observation.verdict),
        "derived": None if observation.derived is None else asdict(observation.derived),
    }


def observation(stored: dict[str, Any]) -> Observation:
    """What `document` was made of; fields that are not the observation's own are ignored."""
    known = {field.name: stored[field.name] for field in fields(Observation)}
    return Observation(
        **{
            **known,
            "labels": tuple(
                Label(label["species"], label["index"], datetime.fromisoformat(label["at"]))
                for label in stored["labels"]
            ),
            "status": Status(stored["status"]),
            "created": datetime.fromisoformat(stored["created"]),
            "updated": datetime.fromisoformat(stored["updated"]),
            "verdict": None if stored["verdict"] is None else Verdict(**stored["verdict"]),
            "derived": None if stored["derived"] is None else Derived(**stored["derived"]),
        }
    )
