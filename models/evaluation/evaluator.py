"""How a bundle that was built here judges labelled photos."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.data import dataset, labelled_photos
from models.evaluation import answers, reasons
from models.evaluation.results import Judged, Results
from models.network.head import HEAD_FILE
from models.network.model_folder import read_tail
from models.network.tail import Tail
from parrot.adapters.bundle_files import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.arrays import Array
    from models.data.dataset import Dataset
    from models.data.features import Extractor
    from parrot.model.naming import Naming, Softmax


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
    if bundle.naming is None or bundle.taxonomy is None:
        raise BadBundle(f"{bundle_folder} names no groups: it is of an older kind, fit it again")
    tail = read_tail(bundle_folder, bundle.manifest)
    if tail is not None:
        extractor = extractor.after(Tail.load(tail))
    labelled = [photo for folder in where for photo in labelled_photos.read(folder)]
    species = [row.id for row in bundle.species.rows]
    data = dataset.load(labelled, species, bundle.taxonomy, extractor, progress=progress)
    samples = range(data.features.shape[1])
    return Judged.of([_results(bundle, bundle.naming, data, sample) for sample in samples])


def _results(bundle: Bundle, naming: Naming, data: Dataset, sample: int) -> Results:
    """What the bundle answers for one sample of each photo."""
    manifest, policy = bundle.manifest, bundle.manifest.naming
    if policy is None:
        raise BadBundle("naming.npz without thresholds")
    looks = data.looks[:, sample]
    flat = looks.reshape(-1, looks.shape[-1])

    def probabilities(softmax: Softmax) -> Array:
        return softmax(flat).reshape(*looks.shape[:2], -1).astype(np.float64)

    scores, birds = (
        bundle.gate.scores(flat.astype(np.float64)),
        bundle.gate.birds(flat.astype(np.float64)),
    )
    heads = answers.Heads(
        scores.reshape(looks.shape[:2]),
        probabilities(naming.species),
        probabilities(naming.groups),
        (scores * 0 if birds is None else birds).reshape(looks.shape[:2]),
    )
    answered = answers.answer(heads, manifest.threshold, policy.sets, manifest.second_look)
    stress = [row[sample].change for row in data.samples]
    names = answers.Names(data.species, naming.group_ids, data.taxonomy, policy.sure)
    results = answers.results(
        answered, data.photos, data.target, stress, names, policy.sets.coverage
    )
    results = replace(results, evidence=reasons.evidence(answered, data.signs[:, sample]))
    return results if manifest.reasons is None else reasons.explained(results, manifest.reasons)
