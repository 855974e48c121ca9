"""The JSON bodies of all answers, as types: mypy checks every key, OpenAPI is made from them.

TypedDicts, because `json.dumps` writes them as they are and because all 30 cost a cold start under
3 ms (dataclasses: 10 ms; importing msgspec: 12 ms). A `NotRequired` key is left out where there is
nothing to say; a `| None` key is always there.
"""

from __future__ import annotations

from parrot.http.schemas.classified import (
    Classification,
    ClassifiedPhoto,
    JointClassification,
    LookAlike,
    ModelVersions,
    Names,
    Readiness,
    ScoredSpecies,
    Species,
    SpeciesList,
    SpeciesSet,
    Taxon,
    Verdict,
)
from parrot.http.schemas.kept import Erasing, Person, Receipt, SignedReceipt, TrainingCounts
from parrot.http.schemas.observed import (
    Files,
    Label,
    Observation,
    ObservationPage,
    Review,
    ReviewPage,
    ReviewSummary,
    SavedPhoto,
    SavedSet,
    SavedVerdict,
    Seen,
    SettledPhoto,
    Settlement,
)
from parrot.http.schemas.problem import Problem

__all__ = [
    "Body",
    "Classification",
    "ClassifiedPhoto",
    "Erasing",
    "Files",
    "JointClassification",
    "Label",
    "LookAlike",
    "ModelVersions",
    "Names",
    "Observation",
    "ObservationPage",
    "Person",
    "Problem",
    "Readiness",
    "Receipt",
    "Review",
    "ReviewPage",
    "ReviewSummary",
    "SavedPhoto",
    "SavedSet",
    "SavedVerdict",
    "ScoredSpecies",
    "Seen",
    "SettledPhoto",
    "Settlement",
    "SignedReceipt",
    "Species",
    "SpeciesList",
    "SpeciesSet",
    "Taxon",
    "TrainingCounts",
    "Verdict",
]

Body = (
    Classification
    | JointClassification
    | Readiness
    | Observation
    | ObservationPage
    | Person
    | Erasing
    | SignedReceipt
    | Review
    | ReviewPage
    | ReviewSummary
    | Problem
)
