"""The observation as a document, the same in every store.

Its times are ISO 8601 in UTC with all six digits of the microseconds, so that text sorts like time
and is read back exactly. It says which FORM it has: `restored` reads every older one, and
`./dev.sh models migrate` writes them again in today's.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from datetime import datetime
from typing import Any

from parrot.consent import Consent
from parrot.embedded import Embedded
from parrot.observation import (
    FORM,
    Attempts,
    Derived,
    Label,
    Observation,
    Opinion,
    Status,
    Verdict,
    instant,
)
from parrot.records import Reason
from parrot.sighting import Sighting

_OLDEST_FORM = 1


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
        "learnt_by": list(observation.learnt_by),
        "opinions": [{**asdict(one), "at": instant(one.at)} for one in observation.opinions],
        "consent": _consent_document(observation.consent),
        "sighting": None if observation.sighting is None else asdict(observation.sighting),
        "lease": None if observation.lease is None else instant(observation.lease),
        "embedded": observation.embedded and _embedded_document(observation.embedded),
        "form": FORM,
    }


def restored(stored: dict[str, Any]) -> Observation:
    """The observation of a document; fields that it does not have are ignored.

    Older documents do not have every field that has a default.
    """
    known = {
        field.name: stored.get(field.name, field.default)
        for field in fields(Observation)
        if field.name in stored or field.default is not MISSING
    }
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
            "opinions": tuple(
                Opinion(one["reviewer"], one["species"], datetime.fromisoformat(one["at"]))
                for one in known["opinions"]
            ),
            "consent": None if known["consent"] is None else _consent(known["consent"]),
            "learnt_by": tuple(known["learnt_by"]),
            "sighting": None if known["sighting"] is None else Sighting(**known["sighting"]),
            "lease": None if known["lease"] is None else datetime.fromisoformat(known["lease"]),
            "embedded": None if known["embedded"] is None else _embedded(known["embedded"]),
            "form": stored.get("form", _OLDEST_FORM),
        }
    )


def _consent_document(consent: Consent | None) -> dict[str, Any] | None:
    return None if consent is None else {"given": consent.given, "at": instant(consent.at)}


def _consent(stored: dict[str, Any]) -> Consent:
    return Consent(stored["given"], datetime.fromisoformat(stored["at"]))


def _embedded_document(embedded: Embedded) -> dict[str, Any]:
    return {**asdict(embedded), "vector": list(embedded.vector)}


def _embedded(stored: dict[str, Any]) -> Embedded:
    return Embedded(stored["space"], tuple(stored["vector"]), stored["distance"])


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    reason = verdict.reason.value if verdict.reason else None
    likely = None if verdict.likely is None else list(verdict.likely)
    return {**asdict(verdict), "reason": reason, "likely": likely}


def _verdict(stored: dict[str, Any]) -> Verdict:
    """Older documents have no reason, no set, no `maybe`; fields that are not known are ignored."""
    reason, likely = stored.get("reason"), stored.get("likely")
    known = {field.name: stored[field.name] for field in fields(Verdict) if field.name in stored}
    known["reason"] = Reason(reason) if reason else None
    known["likely"] = None if likely is None else tuple(likely)
    return Verdict(**known)
