"""What is answered for many photos, by the decisions of `parrot.model.decision`; and the truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation.results import NamedTaxon, Results
from parrot.model.decision import decide, in_doubt, ranking, taxon
from parrot.records import Decision, Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Array, Index
    from models.data.labelled_photos import LabelledPhoto
    from parrot.model.decision import Vocabulary
    from parrot.model.rules import Rules


@dataclass(frozen=True, slots=True)
class Answers:
    """What is decided for each photo, and after how many forward passes."""

    decision: Decision
    looks: Array

    def at(self, rows: Index) -> Answers:
        """These rows, in this order."""
        return Answers(self.decision.at(rows), self.looks[rows])


def joined(parts: Sequence[Answers]) -> Answers:
    """One after the other."""
    decisions = [part.decision for part in parts]
    scores = [decision.scores for decision in decisions]
    return Answers(
        Decision(
            Scores(*(_every(scores, field.name) for field in fields(Scores))),
            _every(decisions, "is_parrot"),
            _every(decisions, "in_set"),
            _every(decisions, "maybe"),
        ),
        _every(parts, "looks"),
    )


def _every(parts: Sequence[object], name: str) -> Any:
    arrays = [getattr(part, name) for part in parts]
    return None if arrays[0] is None else np.concatenate(arrays)


def answer(scores: Scores, rules: Rules) -> Answers:
    """Of scores (n, 2, ...) by a first look and by the mean of all: the mean only in doubt."""
    first = decide(scores.at(np.s_[:, 0]), rules)
    second = rules.second_look
    again = np.zeros(len(first.is_parrot), bool) if second is None else in_doubt(first, second)
    views = 0 if second is None else len(second.views)
    chosen = scores.at((np.arange(len(again)), again.astype(np.intp)))
    return Answers(decide(chosen, rules), np.asarray(1.0 + views * again))


def results(  # noqa: PLR0913, PLR0917 - what an answer is judged by
    answers: Answers,
    photos: Sequence[LabelledPhoto],
    target: Index,
    stress: Sequence[str],
    names: Vocabulary,
    coverage: float,
) -> Results:
    """The answers beside the truth. Raises ValueError where nothing tells the species."""
    decision, scores = answers.decision, answers.decision.scores
    likely = ranking(scores)
    if likely is None or decision.in_set is None:
        raise ValueError("answers without names")
    return Results(
        photos=photos,
        species=names.species,
        target=target,
        coverage=coverage,
        parrot=scores.parrot.astype(np.float64),
        is_parrot=decision.is_parrot,
        probabilities=likely.astype(np.float64),
        sets=decision.in_set,
        looks=answers.looks,
        named=[judged(decision.at(row), names, photo) for row, photo in enumerate(photos)],
        stress=stress,
    )


def judged(decision: Decision, names: Vocabulary, photo: LabelledPhoto) -> NamedTaxon | None:
    """The taxon that is named for one photo, and whether the photo shows it."""
    named = taxon(decision, names)
    if named is None:
        return None
    rank = named.taxon.rank
    truth = photo.species(names.species) or photo.taxon or ""
    above = names.taxonomy.above(truth, rank)
    return NamedTaxon(rank, named.taxon.id in {truth, above.id if above else ""})
