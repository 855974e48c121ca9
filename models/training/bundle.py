"""A fit as a bundle folder."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn

from models.data import fingerprints, kinds, species_table
from models.evaluation import reasons
from models.evaluation.baseline import NAME as BASELINE
from models.evaluation.baseline import Baseline, PhotoLine
from models.network.model_folder import INPUT, NAME
from models.network.weights import HEAD_FILE, TAIL_FILE, SpeciesHead
from models.publishing import releases
from models.training import card, embedding
from models.training.heads import LinearHead
from parrot.model.manifest import (
    EMBEDDING,
    GATE,
    LOOK_ALIKES,
    NAMING,
    SPECIES,
    TAXONOMY,
    Manifest,
    Reference,
    digest,
)
from parrot.model.served_model import ServedModel
from parrot.model.species import SpeciesTable
from parrot.photo import images
from parrot.records import NOT_A_PARROT, OTHER_PARROT

if TYPE_CHECKING:
    from models.arrays import Floats
    from models.data.dataset import Dataset
    from models.evaluation.results import Results
    from models.training.calibration import Calibration
    from models.training.fit import Order
    from models.training.heads import LinearHeads
    from models.training.judging import Fitted

_REFERENCE_DECIMALS = 5


def write(order: Order, data: Dataset, fitted: Fitted) -> None:
    """Raises BadBundle."""
    trained, calibration = fitted.trained, fitted.calibration
    species_csv = species_table.read(order.species_csv)
    table = SpeciesTable.parse(species_csv)
    heads = _calibrated(trained.heads, calibration)
    gate = heads.as_gate()
    # The surest parrot, the surest non-parrot, and the most doubtful photo.
    ranked = np.argsort(gate.parrot(trained.first_looks.astype(np.float64)))
    doubtful = np.abs(fitted.judged.clean.parrot - fitted.rules.threshold).argmin()
    references = trained.first_looks[[ranked[-1], ranked[0], doubtful]].astype(np.float64)
    references = np.round(references, _REFERENCE_DECIMALS)
    served = heads.served.weights, heads.served.biases
    files = {
        GATE: gate.dump(),
        SPECIES: species_csv,
        HEAD_FILE: SpeciesHead(*served, calibration.served_temperature).dump(),
        NAMING: heads.as_naming(data.group_ids).dump(),
        EMBEDDING: embedding.fit(trained.first_looks, data.photos).dump(),
        BASELINE: _baseline(data, fitted).dump(),
        fingerprints.TRAINED_ON: fingerprints.dump(fingerprints.digests(data.photos)),
        TAXONOMY: species_table.taxonomy_for(table),
        LOOK_ALIKES: kinds.look_alikes(table),
        card.NAME: card.write(order.version, data, fitted).encode(),
        **({} if trained.tail is None else {TAIL_FILE: trained.tail.dump()}),
    }
    manifest = Manifest(
        version=order.version,
        features=gate.features,
        classes=len(table),
        models=(_served_model(order.model_version, data),),
        gate_kind=gate.scorer.kind,
        rules=fitted.rules,
        scikit_learn=sklearn.__version__,
        files={name: digest(content) for name, content in files.items()},
        reference=tuple(
            Reference(tuple(row.tolist()), round(float(gate.parrot(row[None])[0]), 8))
            for row in references
        ),
        metrics=_metrics(fitted),
        photos=photos_of(data),
    )
    releases.write_files(manifest, files, order.out)


def photos_of(data: Dataset) -> dict[str, int]:
    """How many photos there are of each class, of other parrots and of what is no parrot."""
    names = (*data.species, OTHER_PARROT.id, NOT_A_PARROT.id)
    known = data.species_class[data.species_class >= 0]
    counts = np.bincount(known, minlength=len(names))
    counts[-1] = (~data.parrot).sum()
    return dict(zip(names, counts.tolist(), strict=True))


def _served_model(version: str, data: Dataset) -> ServedModel:
    return ServedModel(
        NAME,
        version,
        "serving_default",
        INPUT,
        features="features",
        probabilities="probabilities",
        logits="logits",
        focus="focus",
        second_focus="second_focus",
        classes=None if data.served == len(data.species) else data.served,
    )


def _calibrated(heads: LinearHeads, calibration: Calibration) -> LinearHeads:
    """The heads with scales and temperatures in their weights; the served model has its own."""

    def calm(head: LinearHead, temperature: float) -> LinearHead:
        scale = np.float32(1 / temperature)
        return LinearHead(head.weights * scale, head.biases * scale)

    scale, gate = calibration.gate, heads.gate
    return replace(
        heads,
        gate=LinearHead(
            gate.weights * np.float32(scale.slope), scale(gate.biases).astype(np.float32)
        ),
        species=calm(heads.species, calibration.temperature),
        groups=calm(heads.groups, calibration.group_temperature),
    )


def _metrics(fitted: Fitted) -> dict[str, Any]:
    """For the manifest."""
    names = {"as they are": "cross_validation"}
    return {
        **{names.get(name, name): rows for name, rows in fitted.judged.figures().items()},
        "together": {
            "figures": {
                state: {name: asdict(figure) for name, figure in row.items()}
                for state, row in fitted.several.items()
            },
            "contradictions": dict(fitted.contradictions),
        },
        **({} if fitted.fine_tuning is None else {"fine_tuning": fitted.fine_tuning.metrics()}),
        "reasons": {
            "as they are": reasons.figures(fitted.judged.clean),
            "stressed": reasons.figures(fitted.judged.stressed),
        },
    }


def _baseline(data: Dataset, fitted: Fitted) -> Baseline:
    """How its photos, as they are, are answered by models that never saw their sources."""
    clean, distances = fitted.judged.clean, _distances(data, fitted.trained.first_looks)
    return Baseline.of([line(clean, row, float(distances[row])) for row in range(len(distances))])


def line(results: Results, row: int, distance: float) -> PhotoLine:
    """What `logs.photo` would write of this photo, but for the reason."""
    named, evidence = bool(results.is_named[row]), results.evidence[row]
    header = images.read(results.photos[row].path.read_bytes()).header
    return PhotoLine(
        bundle="-",
        verdict="yes" if results.is_parrot[row] else "maybe" if named else "no",
        doubt=float(1 - results.probabilities[row].max() if named else results.parrot[row]),
        brightness=evidence.brightness,
        sharpness=evidence.sharpness,
        side=min(header.width, header.height),
        names=int(results.sets[row].sum()) if named else None,
        distance=distance,
    )


def _distances(data: Dataset, first_looks: Floats) -> Floats:
    """Of each photo from those of other sources."""
    distances = np.zeros(len(first_looks), np.float32)
    for rest, held_out in data.folds:
        seen = rest if len(rest) else held_out
        space = embedding.fit(first_looks[seen], [data.photos[number] for number in seen])
        distances[held_out] = space.distance(space.vectors(first_looks[held_out]))
    return distances
