"""Calibrate and judge heads by what those say of each photo that never saw it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Floats, of_each
from models.data.dataset import Dataset
from models.evaluation import answers, joint, reasons
from models.evaluation.results import Judged
from models.network.weights import Tail
from models.training.acceptance import Acceptance
from models.training.calibration import SURE, Calibration, FitPolicy, calibrate
from models.training.heads import LinearHeads, Logits
from parrot.model.decision import Vocabulary
from parrot.model.rules import Rules


@dataclass(frozen=True, slots=True)
class Trained:
    """Heads fitted on everything, and what such say of each photo that never saw its source."""

    policy: FitPolicy
    heads: LinearHeads
    first_looks: Floats  # (photos, features) of the whole photos as they are
    logits: Logits
    tail: Tail | None = None  # fine-tuned last blocks


@dataclass(frozen=True, slots=True)
class Fitted:
    """What goes into the bundle, and how it was judged: by heads that never saw the source."""

    trained: Trained
    calibration: Calibration
    rules: Rules  # the calibration's, and when reasons are given
    judged: Judged
    several: Mapping[str, Mapping[str, joint.Comparison]]  # photos of one bird, by their number
    contradictions: Mapping[str, float | None]
    fine_tuning: Acceptance | None = None  # None where nothing was fine-tuned


def judge(data: Dataset, trained: Trained) -> Fitted:
    """Calibrate and judge by what heads say of photos of sources that they never saw."""
    policy, logits, every = trained.policy, trained.logits, np.arange(len(data.photos))
    parts = [(calibrate(logits, data, policy, rest), held_out) for rest, held_out in data.folds]
    calibration = calibrate(logits, data, policy, every)
    parts = parts if len(parts) > 1 else [(calibration, every)]
    answered = [
        of_each([(photos, one.answers(logits, photos, sample)) for one, photos in parts])
        for sample in range(logits.gate.shape[1])
    ]
    names = Vocabulary(data.species, data.group_ids, data.taxonomy, SURE)
    judged = answers.judged(answered, data, logits.signs, names, policy.coverage)
    reason_policy, explained = reasons.fit(judged, data.fold)
    decisions = [sample.decision for sample in answered]
    several = joint.Judge(data.photos, data.target, decisions, calibration.rules)
    return Fitted(
        trained,
        calibration,
        replace(calibration.rules, reasons=reason_policy),
        explained,
        several.figures(policy.seed),
        several.contradictions(policy.seed),
    )
