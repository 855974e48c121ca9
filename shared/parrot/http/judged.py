"""What a person and the model say of a photo, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.http import schemas

if TYPE_CHECKING:
    from datetime import datetime

    from parrot.observation import Label, Verdict
    from parrot.records import Classification

DECIMALS = 6  # of a probability in JSON: more than any model can mean


def label(given: Label) -> schemas.Label:
    """What the person says."""
    body = schemas.Label(species=given.species, index=given.index, at=time(given.at))
    if given.text is not None:
        body["text"] = given.text
    return body


def verdict(stored: Verdict) -> schemas.SavedVerdict:
    """The classification, reduced to the best species."""
    probability = stored.species_probability
    body = schemas.SavedVerdict(
        parrot=parrot(stored),
        species=stored.species,
        probability=None if probability is None else round(probability, DECIMALS),
        model=schemas.ModelVersions(bundle=stored.bundle, classifier=stored.model),
    )
    if stored.likely is not None:
        likely = list(stored.likely)
        body["set"] = schemas.SavedSet(species=likely, unknown=not likely)
    if stored.reason is not None:
        body["reason"] = stored.reason
    return body


def parrot(answer: Classification | Verdict) -> schemas.Verdict:
    """Whether it shows a parrot."""
    return schemas.Verdict(
        is_parrot=answer.is_parrot,
        probability=round(answer.parrot_probability, DECIMALS),
        verdict="yes" if answer.is_parrot else "maybe" if answer.maybe else "no",
    )


def time(when: datetime) -> str:
    """RFC 3339, in UTC."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
