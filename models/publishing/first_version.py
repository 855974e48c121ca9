"""The first version's artifacts as a bundle: four joblib files and two served models."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn

from models.publishing import releases
from parrot.model.heads import OneClass
from parrot.model.manifest import JOBLIB_STAGES, SPECIES, Manifest, Reference, digest
from parrot.model.rules import Rules
from parrot.model.served_model import (
    DEFAULT_SIGNATURE,
    Crop,
    Encoding,
    InputSpec,
    Resampling,
    Scaling,
    ServedModel,
)
from parrot.model.species import SpeciesTable

_THRESHOLD = 0.5
_REFERENCES = 3


def _squashed(size: int, scaling: Scaling) -> InputSpec:
    return InputSpec(
        size,
        size,
        crop=Crop.SQUASH,
        resampling=Resampling.TF_BILINEAR,
        scaling=scaling,
        encoding=Encoding.FLOATS,
    )


EXTRACTOR = ServedModel(
    "ParrotExtractor",
    None,
    DEFAULT_SIGNATURE,
    _squashed(224, Scaling.CAFFE),
    features="features",
    probabilities=None,
)
CLASSIFIER = ServedModel(
    "ParrotClassifier",
    None,
    DEFAULT_SIGNATURE,
    _squashed(299, Scaling.UNIT),
    features=None,
    probabilities="probabilities",
)


def adopt(joblib_folder: Path, species_csv: Path, version: str, folder: Path) -> None:
    """Write a bundle folder around the four joblib files of `joblib_folder`.

    The reference probabilities are scikit-learn's own, computed from the unpickled stages, so that
    they check the compiled gate. Only for files that you trust: they are unpickled.
    """
    files = {name: (joblib_folder / name).read_bytes() for name in JOBLIB_STAGES}
    files[SPECIES] = species_csv.read_bytes()
    stages = [joblib.load(joblib_folder / name) for name in JOBLIB_STAGES]
    references = _references(*stages)
    manifest = Manifest(
        version=version,
        features=references.shape[1],
        classes=len(SpeciesTable.parse(files[SPECIES])),
        models=(EXTRACTOR, CLASSIFIER),
        gate_kind=OneClass.kind,
        rules=Rules(_THRESHOLD),
        scikit_learn=sklearn.__version__,
        files={name: digest(data) for name, data in files.items()},
        reference=tuple(
            Reference(tuple(row.tolist()), probability(row, *stages)) for row in references
        ),
    )
    releases.write_files(manifest, files, folder)


def probability(features: Any, scaler: Any, pca: Any, gmm: Any, iso: Any) -> float:
    """What the first version computed for one photo's features (d,).

    Its isotonic curve returns NaN for scores beyond those it was fitted on; the answer for the
    nearest fitted score is taken instead.
    """
    score = gmm.score_samples(pca.transform(scaler.transform(np.asarray(features)[None])))
    return float(iso.predict(np.clip(score, iso.X_min_, iso.X_max_))[0])


def _references(scaler: Any, pca: Any, gmm: Any, _iso: Any) -> Any:
    """Feature vectors on the line from the mixture's first centre to the mean of all."""
    centres = pca.inverse_transform(gmm.means_)
    towards_nothing = np.linspace(1.0, 0.0, _REFERENCES)[:, None] * centres[:1]
    return scaler.inverse_transform(towards_nothing).round(6)
