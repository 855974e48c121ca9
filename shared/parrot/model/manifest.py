"""What a model bundle says about itself: `manifest.json`, parsed, checked and written.

{"format": 1, "version": "2026-11-23",
 "features": 1280, "classes": 16,
 "models": [<see `served_model`>],
 "gate": {"kind": "three-way", "threshold": 0.7, "maybe": 0.4},
 "conformal": {"coverage": 0.95, "cut": 5.7},
 "naming": {"coverage": 0.95, "other": 0.4, "share": 0.05, "sure": 0.7,
            "alone": 0.3},
 "second_look": {"views": ["center", "closer"], "low": 0.01, "high": 0.95, "margin": 1.1,
                 "bird": 0.5, "nothing": 0.3, "caution": 3.0},
 "joint": {"doubt": 1.0},
 "reasons": {"precision": 0.95, "sure": 0.95, "no_bird": 0.8, "too_dark": 0.3, ...},
 "scikit_learn": "1.9.1",
 "files": {"gate.npz": "<sha256>", "species.csv": "<sha256>"},
 "reference": [{"features": [0.12, ...], "probability": 0.98}],
 "photos": {"ara-macao": 41, ...},
 "metrics": {...}}

Either one model gives both outputs, or the first gives the features and the second the
probabilities, as in the first version. `rules` explains what lies between "gate" and "reasons":
without "maybe" a photo shows a parrot or does not; "conformal" needs logits; "naming", which takes
its place, needs `naming.npz` and `taxonomy.csv`; "second_look" needs one model that gives its
focus, and with "nothing" a second one; "joint" is for several photos of one bird; "reasons" needs a
focus. "reasons", "bird" and "nothing" need a gate that tells other birds apart. "photos" is
how many of each class it was fitted on, left out where nobody knows. "metrics" is for people: no
code reads it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from parrot.errors import BadBundle
from parrot.model.rules import Rules
from parrot.model.served_model import ServedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = "manifest.json"
GATE = "gate.npz"
SPECIES = "species.csv"
NAMING = "naming.npz"
TAXONOMY = "taxonomy.csv"
EMBEDDING = "embedding.npz"  # may be missing
LOOK_ALIKES = "look_alikes.csv"  # may be missing
# What the served model is built from, beside the published backbone: `models.network` reads them.
HEAD, LAST_BLOCKS = "head.npz", "backbone.npz"
# What the first version kept its gate in, in the order in which features pass through.
JOBLIB_STAGES = ("scaler.joblib", "pca.joblib", "gmm.joblib", "iso.joblib")
_FORMAT = 1
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VECTOR = re.compile(r'("features": \[[^\]]+)\n *\]')
_BREAK = re.compile(r"\n *")
_MOST_MODELS = 2


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
    rules: Rules
    scikit_learn: str
    files: Mapping[str, str]
    reference: tuple[Reference, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    photos: Mapping[str, int] = field(default_factory=dict)  # fitted on, by class; may be unknown

    @property
    def compiled(self) -> bool:
        """Whether the gate is there as NumPy arrays, so that nothing has to be unpickled."""
        return GATE in self.files

    @property
    def served_classes(self) -> int:
        """How many species, the first ones, the served model's own answer is for."""
        classes = self.models[-1].classes
        return self.classes if classes is None else classes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read `manifest.json`. Raises BadBundle, naming the field."""
        try:
            raw = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadBundle(f"{MANIFEST} is not valid JSON: {error}") from error
        try:
            manifest = cls._from_json(raw)
        except KeyError as error:
            raise BadBundle(f"{MANIFEST}: {error} is missing") from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadBundle(f"{MANIFEST}: {error}") from error
        _check(manifest)
        return manifest

    def dump(self) -> bytes:
        """The inverse of `parse`.

        Raises BadBundle where the fields contradict each other, ValueError for a metric that is
        not finite.
        """
        _check(self)
        rules = self.rules
        maybe = {} if rules.maybe is None else {"maybe": rules.maybe}
        raw = {
            "format": _FORMAT,
            "version": self.version,
            "features": self.features,
            "classes": self.classes,
            "models": [model.dump() for model in self.models],
            "gate": {"kind": self.gate_kind, "threshold": rules.threshold, **maybe},
            **rules.dump(),
            "scikit_learn": self.scikit_learn,
            "files": dict(sorted(self.files.items())),
            "reference": [asdict(reference) for reference in self.reference],
            **({"photos": dict(self.photos)} if self.photos else {}),
            **({"metrics": self.metrics} if self.metrics else {}),
        }
        text = json.dumps(raw, indent=1, allow_nan=False)
        return (_vectors_on_one_line(text) + "\n").encode()

    @classmethod
    def _from_json(cls, raw: Mapping[str, Any]) -> Self:
        if raw["format"] != _FORMAT:
            raise ValueError(f"format {raw['format']!r}; this code reads format {_FORMAT}")
        return cls(
            version=str(raw["version"]),
            features=int(raw["features"]),
            classes=int(raw["classes"]),
            models=tuple(ServedModel.parse(model) for model in raw["models"]),
            gate_kind=str(raw["gate"]["kind"]),
            rules=Rules.parse(raw),
            scikit_learn=str(raw["scikit_learn"]),
            files={str(name): str(sha256) for name, sha256 in raw["files"].items()},
            reference=tuple(
                Reference(tuple(map(float, entry["features"])), float(entry["probability"]))
                for entry in raw["reference"]
            ),
            metrics=dict(raw.get("metrics", {})),
            photos={str(name): int(count) for name, count in raw.get("photos", {}).items()},
        )

    def problems(self) -> Iterator[str]:
        """What contradicts itself, as far as can be told without the files."""
        yield from (f"models: {problem}" for problem in self._model_problems())
        if self.features < 1 or self.classes < 1:
            yield "features and classes must be at least 1"
        if not 1 <= self.served_classes <= self.classes:
            yield "a model names at least one of the species, and no more than there are"
        if self.rules.naming is None and self.served_classes != self.classes:
            yield "a model that names some of the species needs naming for the others"
        yield from self.rules.problems()
        yield from self._unmet_rules()
        yield from (f"files: {problem}" for problem in self._file_problems())
        if any(count < 0 for count in self.photos.values()):
            yield "photos: fewer than none"
        if not self.reference:
            yield "reference: no vectors to check the gate with"
        for reference in self.reference:
            if len(reference.features) != self.features:
                yield f"reference: {len(reference.features)} features instead of {self.features}"
            if not all(map(math.isfinite, (*reference.features, reference.probability))):
                yield "reference: not finite"

    def _model_problems(self) -> Iterator[str]:
        if not 1 <= len(self.models) <= _MOST_MODELS:
            yield "there must be one or two"
            return
        if self.models[0].features is None:
            yield "the first gives no features"
        if self.models[-1].probabilities is None:
            yield "the last gives no probabilities"
        for model in self.models:
            yield from model.problems()

    def _unmet_rules(self) -> Iterator[str]:
        """What a rule needs and the models or files do not have."""
        rules, focus = self.rules, self.models[0].focus
        if rules.conformal is not None and self.models[-1].logits is None:
            yield "models: the last gives no logits, which conformal needs"
        if rules.naming is not None and not {NAMING, TAXONOMY} <= self.files.keys():
            yield f"naming: needs {NAMING} and {TAXONOMY}"
        if rules.second_look is not None and (len(self.models) != 1 or focus is None):
            yield "second_look: needs one model that gives its focus"
        elif rules.second_look is not None and (
            rules.second_look.nothing is not None and self.models[0].second_focus is None
        ):
            yield "second_look: nothing needs a model that gives a second focus"
        if EMBEDDING in self.files and len(self.models) != 1:
            yield f"{EMBEDDING}: needs one model"
        if rules.reasons is not None and focus is None:
            yield "models: the first gives no focus, which reasons need"

    def _file_problems(self) -> Iterator[str]:
        if SPECIES not in self.files:
            yield f"{SPECIES} is missing"
        if not self.compiled and not set(JOBLIB_STAGES) <= self.files.keys():
            yield f"neither {GATE} nor all of {', '.join(JOBLIB_STAGES)}"
        for name, sha256 in self.files.items():
            if not _FILE.fullmatch(name):
                yield f"bad name {name!r:.80}"
            if not _SHA256.fullmatch(sha256):
                yield f"{name}: not a sha256"


def version_name(text: str) -> str:
    """The name itself if it can be part of a path. Raises BadBundle."""
    if not _VERSION.fullmatch(text):
        raise BadBundle(f"{text!r:.80} is not a bundle version (letters, digits, '.', '_', '-')")
    return text


def digest(data: bytes) -> str:
    """sha256 in hex, as in `files`."""
    return hashlib.sha256(data).hexdigest()


def _check(manifest: Manifest) -> None:
    version_name(manifest.version)
    problem = next(manifest.problems(), None)
    if problem is not None:
        raise BadBundle(f"{MANIFEST}: {problem}")


def _vectors_on_one_line(text: str) -> str:
    """JSON's indent puts every number on its own line; put each feature vector on one."""
    return _VECTOR.sub(lambda vector: f"{_BREAK.sub(' ', vector[1])}]", text)
