"""The first version's artifacts as a bundle: four joblib files and two served models."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from parrot.model import manifest as manifests
from parrot.model.gate import OneClass
from parrot.model.inputs import Crop, Encoding, InputSpec, Resampling, Scaling

if TYPE_CHECKING:
    from pathlib import Path

_THRESHOLD = 0.5
_REFERENCES = 3
_SQUASHED = {"crop": Crop.SQUASH, "resampling": Resampling.TF_BILINEAR, "encoding": Encoding.FLOATS}
EXTRACTOR_INPUT = InputSpec(224, 224, scaling=Scaling.CAFFE, **_SQUASHED)  # type: ignore[arg-type]
CLASSIFIER_INPUT = InputSpec(299, 299, scaling=Scaling.UNIT, **_SQUASHED)  # type: ignore[arg-type]


def adopt(joblib_folder: Path, species_csv: Path, version: str, folder: Path) -> None:
    """Write a bundle folder around the four joblib files of `joblib_folder`.

    The reference probabilities are scikit-learn's own, computed from the unpickled stages, so that
    they check our compiled form of the gate. Only for files that you trust: they are unpickled.
    """
    import joblib  # noqa: PLC0415 - with scikit-learn 0.8 s, not for --help
    import sklearn  # noqa: PLC0415

    files = {name: (joblib_folder / name).read_bytes() for name in manifests.JOBLIB_STAGES}
    files[manifests.SPECIES] = species_csv.read_bytes()
    stages = [joblib.load(joblib_folder / name) for name in manifests.JOBLIB_STAGES]
    references = _references(*stages)
    manifest = {
        "format": manifests.FORMAT,
        "version": manifests.version_name(version),
        "features": references.shape[1],
        "classes": len(files[manifests.SPECIES].decode().strip().splitlines()) - 1,
        "models": [
            {
                "name": "ParrotExtractor",
                "input": asdict(EXTRACTOR_INPUT),
                "outputs": {"features": "features"},
            },
            {
                "name": "ParrotClassifier",
                "input": asdict(CLASSIFIER_INPUT),
                "outputs": {"probabilities": "probabilities"},
            },
        ],
        "gate": {"kind": OneClass.kind, "threshold": _THRESHOLD},
        "scikit_learn": sklearn.__version__,
        "files": {name: manifests.digest(data) for name, data in sorted(files.items())},
        "reference": [
            {"features": row.tolist(), "probability": probability(row, *stages)}
            for row in references
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / manifests.NAME).write_text(json.dumps(manifest))


def probability(features: Any, scaler: Any, pca: Any, gmm: Any, iso: Any) -> float:
    """What the first version computed for one photo's features (d,).

    Its isotonic curve says nothing (NaN) of scores beyond those it was fitted on; there the nearest
    one's answer is taken.
    """
    score = gmm.score_samples(pca.transform(scaler.transform(np.asarray(features)[None])))
    return float(iso.predict(np.clip(score, iso.X_min_, iso.X_max_))[0])


def _references(scaler: Any, pca: Any, gmm: Any, _iso: Any) -> Any:
    """Feature vectors in the middle of what the mixture calls likely, and between."""
    centres = pca.inverse_transform(gmm.means_)
    towards_nothing = np.linspace(1.0, 0.0, _REFERENCES)[:, None] * centres[:1]
    return scaler.inverse_transform(towards_nothing).round(6)
