"""The baseline of a fit: how its photos are answered by models that never saw their sources."""

import numpy as np

from models.arrays import Floats
from models.data.dataset import Dataset
from models.evaluation.baseline import Baseline
from models.evaluation.photo_lines import PhotoLine
from models.evaluation.results import Results
from models.training import embedding
from models.training.judging import Fitted
from parrot.photo import images


def of(data: Dataset, fitted: Fitted) -> Baseline:
    """Of the photos as they are."""
    clean, distances = fitted.judged.clean, _distances(data, fitted.trained.first_looks)
    return Baseline.of([line(clean, row, float(distances[row])) for row in range(len(distances))])


def line(results: Results, row: int, distance: float) -> PhotoLine:
    """What `parrot.measured` would log of this photo, but for the reason."""
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
