"""How a bundle that was built here judges labelled photos."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.data import dataset, labelled_photos
from models.data.features import View
from models.evaluation import answers, reasons
from models.evaluation.results import Judged, Results
from models.network.head import HEAD_FILE, SpeciesHead
from models.network.model_folder import read_tail
from models.network.tail import Tail
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle
from parrot.model.decision import Vocabulary, score
from parrot.model.served_model import Crop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.data.dataset import Dataset
    from models.data.features import Extractor


def evaluate(
    bundle_folder: Path,
    where: list[Path],
    extractor: Extractor,
    *,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Judged:
    """Judge photos, as they are and under stress, as a function would.

    Raises BadBundle, BadDataset, InvalidImage.
    """
    bundle = Bundle.load(FolderFiles(bundle_folder), sha256=None)
    if HEAD_FILE not in bundle.manifest.files:
        raise BadBundle(f"{bundle_folder} has no {HEAD_FILE}: its models were built elsewhere")
    tail = read_tail(bundle_folder, bundle.manifest)
    if tail is not None:
        extractor = extractor.after(Tail.load(tail))
    labelled = [photo for folder in where for photo in labelled_photos.read(folder)]
    species = [row.id for row in bundle.species.rows]
    data = dataset.load(labelled, species, extractor, progress=progress)
    head = SpeciesHead.load((bundle_folder / HEAD_FILE).read_bytes())
    found = [_results(bundle, head, data, sample) for sample in range(data.features.shape[1])]
    return Judged(found[0], Results.joined(found[1:]))


def _results(bundle: Bundle, head: SpeciesHead, data: Dataset, sample: int) -> Results:
    """What the bundle answers for one sample of each photo."""
    rules, naming = bundle.manifest.rules, bundle.naming
    stress = [row[sample].stress for row in data.samples]
    names = [change.name if change else "" for change in stress]
    if rules.naming is None or naming is None or bundle.taxonomy is None:
        return _looked_at_once(bundle, head, data, sample, names)
    found = answers.answer(score(bundle, data.looks[:, sample]), rules)
    words = Vocabulary(data.species, naming.group_ids, bundle.taxonomy, rules.naming.sure)
    results = answers.results(found, data.photos, data.target, names, words, rules.naming.coverage)
    evidence = reasons.evidence(found.decision.scores, data.signs[:, sample])
    results = replace(results, evidence=evidence)
    return results if rules.reasons is None else reasons.explained(results, rules.reasons)


def _looked_at_once(
    bundle: Bundle, head: SpeciesHead, data: Dataset, sample: int, stress: Sequence[str]
) -> Results:
    """A bundle of before the second look: its model's own cut, and a set by the logits."""
    (served,) = bundle.manifest.models
    view = View.CENTER if served.input.crop is Crop.CENTER else View.WHOLE
    features = data.features[:, sample, view]
    scores = bundle.gate.parrot(features)
    conformal = bundle.manifest.rules.conformal
    return Results(
        photos=data.photos,
        species=data.species,
        target=data.target,
        coverage=conformal.coverage if conformal else 1.0,
        parrot=scores,
        is_parrot=scores >= bundle.manifest.rules.threshold,
        probabilities=head.probabilities(features).astype(np.float64),
        sets=head.logits(features) >= (conformal.cut if conformal else float("-inf")),
        stress=stress,
    )
