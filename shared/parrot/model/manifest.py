"""What a model bundle says of itself: `manifest.json`, parsed and checked.

{"format": 1, "version": "2026-11-23",
 "features": 1280, "classes": 16,
 "models": [{"name": "ParrotClassifier", "version": "1", "signature": "serving_default",
             "input": {"width": 260, "height": 260, "crop": "center", "resampling": "antialias",
                       "scaling": "none", "encoding": "raw"},
             "outputs": {"features": "features", "probabilities": "probabilities",
                         "logits": "logits"}}],
 "gate": {"kind": "logistic", "threshold": 0.5},
 "conformal": {"coverage": 0.95, "cut": 5.7},
 "scikit_learn": "1.9.1",
 "files": {"gate.npz": "<sha256>", "species.csv": "<sha256>"},
 "reference": [{"features": [0.12, ...], "probability": 0.98}],
 "metrics": {...}}

One model gives both outputs; or, in the first version's manner, one gives the features and a
second one the probabilities. "conformal" may be missing; it needs logits. A model without a
"version" is asked for whatever version the server has.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parrot.errors import BadBundle
from parrot.model.inputs import Crop, Encoding, InputSpec, Resampling, Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
NAME = "manifest.json"
GATE = "gate.npz"
SPECIES = "species.csv"
# What the first version kept its gate in, in the order in which features pass through.
JOBLIB_STAGES = ("scaler.joblib", "pca.joblib", "gmm.joblib", "iso.joblib")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_EDGE = 4096


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model on the model server, and which of its outputs are ours (None: not given)."""

    name: str
    version: str | None
    signature: str
    input: InputSpec
    features: str | None
    probabilities: str | None
    logits: str | None = None


@dataclass(frozen=True, slots=True)
class Conformal:
    """The species whose logit reaches `cut` hold the true one `coverage` of the time."""

    coverage: float
    cut: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A feature vector and the probability that the gate must give for it."""

    features: tuple[float, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bundle's promises; `files` is name -> sha256."""

    version: str
    features: int
    classes: int
    models: tuple[ServedModel, ...]
    gate_kind: str
    threshold: float
    conformal: Conformal | None
    scikit_learn: str
    files: Mapping[str, str]
    reference: tuple[Reference, ...]

    @property
    def compiled(self) -> bool:
        """Whether the gate is there as NumPy arrays, so that nothing need be unpickled."""
        return GATE in self.files


def version_name(text: str) -> str:
    """The name itself if it can stand in a path. Raises BadBundle."""
    if not _VERSION.fullmatch(text):
        raise BadBundle(f"{text!r:.80} is no bundle version (letters, digits, '.', '_', '-')")
    return text


def digest(data: bytes) -> str:
    """sha256 in hex, as it stands in `files`."""
    return hashlib.sha256(data).hexdigest()


def parse(data: bytes) -> Manifest:
    """Read `manifest.json`. Raises BadBundle, naming the field."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadBundle(f"{NAME} is no JSON: {error}") from error
    try:
        manifest = _manifest(raw)
    except BadBundle:
        raise
    except KeyError as error:
        raise BadBundle(f"{NAME}: {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadBundle(f"{NAME}: {error}") from error
    _check(manifest)
    return manifest


def _manifest(raw: Mapping[str, Any]) -> Manifest:
    if raw["format"] != FORMAT:
        raise BadBundle(f"{NAME}: format {raw['format']!r}, this code reads {FORMAT}")
    return Manifest(
        version=version_name(str(raw["version"])),
        features=int(raw["features"]),
        classes=int(raw["classes"]),
        models=tuple(_served_model(model) for model in raw["models"]),
        gate_kind=str(raw["gate"]["kind"]),
        threshold=float(raw["gate"]["threshold"]),
        conformal=_conformal(raw.get("conformal")),
        scikit_learn=str(raw["scikit_learn"]),
        files={str(name): str(sha256) for name, sha256 in raw["files"].items()},
        reference=tuple(
            Reference(tuple(float(x) for x in line["features"]), float(line["probability"]))
            for line in raw["reference"]
        ),
    )


def _conformal(raw: Mapping[str, Any] | None) -> Conformal | None:
    return None if raw is None else Conformal(float(raw["coverage"]), float(raw["cut"]))


def _served_model(raw: Mapping[str, Any]) -> ServedModel:
    spec, outputs, version = raw["input"], raw["outputs"], raw.get("version")
    return ServedModel(
        name=str(raw["name"]),
        version=None if version is None else str(version),
        signature=str(raw.get("signature", "serving_default")),
        input=InputSpec(
            width=int(spec["width"]),
            height=int(spec["height"]),
            crop=Crop(spec["crop"]),
            resampling=Resampling(spec["resampling"]),
            scaling=Scaling(spec["scaling"]),
            encoding=Encoding(spec["encoding"]),
        ),
        features=outputs.get("features"),
        probabilities=outputs.get("probabilities"),
        logits=outputs.get("logits"),
    )


def _check(manifest: Manifest) -> None:
    """The promises that can be checked without the files."""
    first, *others = manifest.models or (None,)
    last = others[0] if others else first
    problems = [
        (first is None or len(others) > 1, "models: one or two of them"),
        (first is not None and first.features is None, "models: the first gives no features"),
        (
            last is not None and last.probabilities is None,
            "models: the last gives no probabilities",
        ),
        (manifest.features < 1 or manifest.classes < 1, "features and classes count from 1"),
        (not 0 <= manifest.threshold <= 1, "gate.threshold is a probability"),
        (
            manifest.conformal is not None
            and (last is None or last.logits is None or not 0 < manifest.conformal.coverage < 1),
            "conformal: needs a coverage between 0 and 1 and a model that gives logits",
        ),
        (SPECIES not in manifest.files, f"files: {SPECIES} is missing"),
        (
            not manifest.compiled and not set(JOBLIB_STAGES) <= manifest.files.keys(),
            f"files: neither {GATE} nor all of {', '.join(JOBLIB_STAGES)}",
        ),
        (not manifest.reference, "reference: no vector to check the gate with"),
        *((not _FILE.fullmatch(name), f"files: bad name {name!r:.80}") for name in manifest.files),
        *(
            (not _SHA256.fullmatch(sha256), f"files: {name}: no sha256")
            for name, sha256 in manifest.files.items()
        ),
        *(
            (len(line.features) != manifest.features, "reference: another number of features")
            for line in manifest.reference
        ),
        *(
            (
                not all(map(math.isfinite, (*line.features, line.probability))),
                "reference: not finite",
            )
            for line in manifest.reference
        ),
        *(
            (
                not (0 < model.input.width <= _MAX_EDGE and 0 < model.input.height <= _MAX_EDGE),
                f"models: {model.name}: bad input size",
            )
            for model in manifest.models
        ),
        *(
            (
                model.input.encoding is not Encoding.FLOATS
                and model.input.scaling is not Scaling.NONE,
                f"models: {model.name}: scaling goes with encoding 'floats' only",
            )
            for model in manifest.models
        ),
    ]
    for wrong, what in problems:
        if wrong:
            raise BadBundle(f"{NAME}: {what}")
