"""What is answered for many photos, by the decisions of `parrot.model.decision`; and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.arrays import Array, Flags, Index, by_field
from models.data.labelled_photos import LabelledPhoto
from models.evaluation import reasons
from models.evaluation.results import Judged, NamedTaxon, Results
from parrot.model.decision import (
    Vocabulary,
    combined,
    decide,
    in_doubt,
    ranking,
    sees_nothing,
    surer,
    taxon,
)
from parrot.model.look import WINDOWS, View
from parrot.model.rules import Rules
from parrot.records import Decision, Scores

if TYPE_CHECKING:
    from models.data.dataset import Dataset
    from parrot.model.decision import Scorer
    from parrot.records import Floats

_PLACE = {view: place for place, view in enumerate(View, 1)}


@dataclass(frozen=True, slots=True)
class Answers:
    """What is decided for each photo, and after how many forward passes."""

    decision: Decision
    looks: Array


def answer(score: Scorer, looks: Floats, rules: Rules) -> Answers:
    """Of looks (n, views, d), at the whole photo and at each `View`: these count only in doubt.

    Looks are features, or whatever `score` reads and may be averaged in their place.
    """
    whole = looks[:, 0]
    first, second = decide(score(whole), rules), rules.second_look
    if second is None:
        return Answers(first, np.ones(len(looks)))
    again, nothing = in_doubt(first, second), sees_nothing(first.scores, second)
    seen, passes = first.scores, 1.0 + len(second.views) * again
    views = [0, *(_PLACE[view] for view in second.views)]
    seen = _where(again & ~nothing, combined(score, looks[:, views], second, nothing=False), seen)
    if nothing.any():
        windows = looks[:, [_PLACE[view] for view in WINDOWS]]
        closer = windows[np.arange(len(looks)), surer(score, windows).astype(np.intp)]
        closest = combined(score, np.stack([whole, closer], axis=1), second, nothing=True)
        seen, passes[again & nothing] = _where(again & nothing, closest, seen), 1.0 + len(WINDOWS)
    return Answers(decide(seen, rules), np.asarray(passes))


def _where(chosen: Flags, scores: Scores, others: Scores) -> Scores:
    """These scores of the chosen photos, and the others' of the rest."""

    def rows(one: Array, other: Array) -> Array:
        return np.where(chosen.reshape(-1, *[1] * (one.ndim - 1)), one, other)

    mixed: Scores = by_field(rows, [scores, others])
    return mixed


def judged(
    samples: Sequence[Answers], data: Dataset, signs: Floats, names: Vocabulary, coverage: float
) -> Judged:
    """The answers for each sample of a data set, beside the truth and what may be the reason.

    `signs` (photos, samples, signs) are of the first looks. Species of the data that have no name
    come after those that do, and nothing is ever called so.
    """
    unnamed = ((0, 0), (0, len(data.species) - len(names.species)))
    by_sample = []
    for number, answered in enumerate(samples):
        stress = [row[number].change for row in data.samples]
        rows = results(answered, data.photos, data.target, stress, names, coverage)
        rows = replace(
            rows,
            species=data.species,
            probabilities=np.pad(rows.probabilities, unnamed),
            sets=np.pad(rows.sets, unnamed),
            evidence=reasons.evidence(answered.decision.scores, signs[:, number]),
        )
        by_sample.append(rows)
    return Judged.of(by_sample)


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
        is_named=decision.is_named,
        probabilities=likely.astype(np.float64),
        sets=decision.in_set,
        looks=answers.looks,
        named=[named_taxon(decision.at(row), names, photo) for row, photo in enumerate(photos)],
        stress=stress,
    )


def named_taxon(decision: Decision, names: Vocabulary, photo: LabelledPhoto) -> NamedTaxon | None:
    """The taxon that is named for one photo, and whether the photo shows it."""
    named = taxon(decision, names)
    if named is None:
        return None
    rank = named.taxon.rank
    truth = photo.species(names.species) or photo.taxon or ""
    above = names.taxonomy.above(truth, rank)
    return NamedTaxon(rank, named.taxon.id in {truth, above.id if above else ""})
