"""Heads, and fine-tuned last blocks, for each fold: fitted without its photos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.dataset import looks
from models.data.stress import Family
from models.evaluation import answers
from models.evaluation import reasons as reasoning
from models.evaluation.results import Judged, Results
from models.training.calibration import SURE, Calibration, Raw, calibrate
from models.training.cores import on_all_cores
from models.training.heads import Classes, fit_gate, fit_groups, fit_species
from models.training.regression import Linear
from parrot.model.decision import Vocabulary
from parrot.model.gate import ThreeWay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.arrays import Flags, Index
    from models.data.dataset import Dataset
    from models.training.cores import Folds
    from models.training.fine_tuning import FineTuning
    from models.training.policy import Policy
    from models.training.tuner import Tuned
    from parrot.model.gate import Projection, Scorer
    from parrot.model.species import Taxonomy
    from parrot.records import Floats

NO_BIRD = 2  # as `Dataset.kind` has it


@dataclass(frozen=True, slots=True)
class Heads:
    """Everything that is fitted on features."""

    projection: Projection
    scorer: Scorer
    species: Linear
    groups: Linear

    def raw(self, features: Floats) -> Raw:
        """Scores and logits of features (n, samples, states, d)."""
        flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
        scores, birds = self.scorer(self.projection(flat))
        birds = scores * 0 if birds is None else birds
        return Raw(
            scores.reshape(features.shape[:-1]),
            self.species(features).astype(np.float64),
            self.groups(features).astype(np.float64),
            birds.reshape(features.shape[:-1]),
        )


@dataclass(frozen=True, slots=True)
class CrossFitter:
    """A dataset, its classes and what a person decided."""

    dataset: Dataset
    classes: Classes
    taxonomy: Taxonomy
    policy: Policy

    def heads(self, kind: str, usable: Flags) -> Heads:
        """Heads fitted on the usable (photos, samples), with this kind of gate."""
        data, classes = self.dataset, self.classes
        return Heads(
            *fit_gate(data, kind, usable),
            fit_species(data, classes, usable),
            fit_groups(data, classes, usable),
        )

    def cross_fitted(self, kind: str, folds: Folds, without: Family | None = None) -> Raw:
        """Logits for each photo by heads that were fitted without its fold."""

        def one(train: Index, test: Index) -> Raw:
            usable = self.dataset.usable(train, test)
            if without is not None:  # what mixes families holds this one too
                families = self.dataset.families()
                usable &= (families != without.value) & (families != Family.MIX.value)
            return self.heads(kind, usable).raw(self.dataset.looks[test])

        classes = self.classes
        raw = Raw.empty(self.dataset, len(self.dataset.species) + 1, len(classes.group_ids))
        for (_, test), found in zip(folds, on_all_cores(one, folds), strict=True):
            raw.put(test, found)
        return raw

    def cross_tuned(self, tuning: FineTuning, name: str, folds: Folds) -> tuple[Raw, Floats]:
        """Logits for each photo by last blocks and heads that were fine-tuned without its fold.

        And the signs of where those look closer.
        """
        classes, signs = self.classes, self.dataset.signs.copy()
        raw = Raw.empty(self.dataset, len(self.dataset.species) + 1, len(classes.group_ids))
        for number, (train, test) in enumerate(folds, 1):
            usable = self.dataset.usable(train, test)
            tuned, heads = self.tuned(tuning, f"{name} {number} of {len(folds)}", usable)
            features, signs[test] = tuning.seen(tuned.tail, test)
            raw.put(test, heads.raw(looks(features)))
        return raw, signs

    def tuned(self, tuning: FineTuning, name: str, usable: Flags) -> tuple[Tuned, Heads]:
        """Last blocks, and the heads that were fitted with them."""
        start = self.heads(ThreeWay.kind, usable)
        gate = start.scorer
        if not isinstance(gate, ThreeWay):
            raise TypeError(f"fine-tuning starts from a {ThreeWay.kind} gate, not {gate.kind}")
        gate_line = Linear(gate.weights.astype(np.float32), gate.biases.astype(np.float32))
        tuned = tuning.tuned(
            name, usable, (gate_line, start.species, start.groups), self.policy.seed
        )
        biases = tuned.gate.biases.astype(np.float64)
        biases[NO_BIRD] += self.policy.no_bird_tuned
        scorer = ThreeWay(tuned.gate.weights.astype(np.float64), biases)
        return tuned, Heads(start.projection, scorer, tuned.species, tuned.groups)

    def calibrated(self, raw: Raw, kind: str, chosen: Index) -> Calibration:
        """Calibrate on the chosen photos."""
        classes = (self.classes.species, self.classes.group)
        return calibrate(raw, kind, self.dataset, classes, self.policy.targets, chosen)

    def judged(
        self, raw: Raw, parts: Sequence[tuple[Calibration, Index]], signs: Floats | None = None
    ) -> Judged:
        """Results from calibrations, each for some of the photos; signs if not the dataset's."""
        data = self.dataset
        order = np.argsort(np.concatenate([part for _, part in parts]))
        names = Vocabulary(data.species, self.classes.group_ids, self.taxonomy, SURE)
        by_sample = []
        for sample in range(raw.gate.shape[1]):
            found = answers.joined(
                [calibration.answers(raw, part, sample) for calibration, part in parts]
            ).at(order)
            changes = [row[sample].stress for row in data.samples]
            results = answers.results(
                found,
                data.photos,
                data.target,
                [change.name if change else "" for change in changes],
                names,
                self.policy.coverage,
            )
            seen = reasoning.evidence(
                found.decision.scores, (data.signs if signs is None else signs)[:, sample]
            )
            by_sample.append(replace(results, evidence=seen))
        return Judged(by_sample[0], Results.joined(by_sample[1:]))
