"""Write a bundle folder: manifest, species, compiled gate, and the head that the export needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from parrot.model import manifest as manifests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parrot.model.gate import Gate
    from parrot.model.manifest import Conformal, ServedModel
    from parrot.records import Floats

_REFERENCE_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that goes into a bundle; `references` is (3, features) of real photos."""

    version: str
    models: tuple[ServedModel, ...]
    gate: Gate
    threshold: float
    conformal: Conformal | None
    species_csv: bytes
    references: Floats
    extra: Mapping[str, bytes] = field(default_factory=dict)  # more files, by name
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write(draft: Draft, folder: Path) -> None:
    """Write the files, the manifest last."""
    import sklearn  # noqa: PLC0415 - 0.8 s, not for --help

    files = {
        manifests.GATE: draft.gate.dump(),
        manifests.SPECIES: draft.species_csv,
        **draft.extra,
    }
    references = np.round(draft.references.astype(np.float64), _REFERENCE_DECIMALS)
    manifest = {
        "format": manifests.FORMAT,
        "version": draft.version,
        "features": draft.gate.features,
        "classes": len(draft.species_csv.decode().strip().splitlines()) - 1,
        "models": [_model(model) for model in draft.models],
        "gate": {"kind": draft.gate.scorer.kind, "threshold": draft.threshold},
        **({"conformal": asdict(draft.conformal)} if draft.conformal else {}),
        "scikit_learn": sklearn.__version__,
        "files": {name: manifests.digest(data) for name, data in sorted(files.items())},
        "reference": [
            {"features": row.tolist(), "probability": round(draft.gate.score(row), 8)}
            for row in references
        ],
        "metrics": draft.metrics,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / manifests.NAME).write_text(_flat_vectors(text) + "\n", encoding="utf-8")


def _model(model: ServedModel) -> dict[str, Any]:
    outputs = {
        "features": model.features,
        "probabilities": model.probabilities,
        "logits": model.logits,
    }
    return {
        "name": model.name,
        "version": model.version,
        "signature": model.signature,
        "input": asdict(model.input),
        "outputs": {role: name for role, name in outputs.items() if name is not None},
    }


def _flat_vectors(text: str) -> str:
    """JSON's indent puts every number on a line of its own; put each vector on one."""
    lines: list[str] = []
    within = False
    for line in text.splitlines():
        if within:
            lines[-1] += " " * (line.strip() not in "],") + line.strip()
            within = not line.strip().startswith("]")
        else:
            lines.append(line)
            within = line.endswith('"features": [')
    return "\n".join(lines)
