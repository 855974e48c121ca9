"""A new bundle, written to a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from parrot.model.manifest import GATE, MANIFEST, SPECIES, Manifest, Reference, digest
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from parrot.model.gate import Gate
    from parrot.model.rules import Rules
    from parrot.model.served_model import ServedModel
    from parrot.records import Floats

_REFERENCE_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that goes into a bundle; `references` is (3, features) of real photos."""

    version: str
    models: tuple[ServedModel, ...]
    gate: Gate
    rules: Rules  # files that they need are in `extra`
    species_csv: bytes
    references: Floats
    extra: Mapping[str, bytes] = field(default_factory=dict)  # other files, by name
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write(draft: Draft, folder: Path) -> None:
    """Write a fitted bundle. Raises BadBundle."""
    import sklearn  # noqa: PLC0415 - 0.8 s, not for --help

    files = {GATE: draft.gate.dump(), SPECIES: draft.species_csv, **draft.extra}
    references = np.round(draft.references.astype(np.float64), _REFERENCE_DECIMALS)
    manifest = Manifest(
        version=draft.version,
        features=draft.gate.features,
        classes=len(SpeciesTable.parse(draft.species_csv)),
        models=draft.models,
        gate_kind=draft.gate.scorer.kind,
        rules=draft.rules,
        scikit_learn=sklearn.__version__,
        files={name: digest(data) for name, data in files.items()},
        reference=tuple(
            Reference(tuple(row.tolist()), round(float(draft.gate.parrot(row[None])[0]), 8))
            for row in references
        ),
        metrics=draft.metrics,
    )
    write_files(manifest, files, folder)


def write_files(manifest: Manifest, files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files that a manifest lists, and the manifest last. Raises BadBundle."""
    data = manifest.dump()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(data)
