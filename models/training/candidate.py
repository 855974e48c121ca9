"""A retrained bundle: new heads on everything else of the one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.data import dataset, fingerprints, species_table
from models.data.dataset import Dataset
from models.data.features import Extractor
from models.data.fingerprints import TRAINED_ON
from models.data.labelled_photos import LabelledPhoto
from models.network.weights import HEAD_FILE, SpeciesHead
from models.publishing import releases
from models.training import card
from models.training.anchor import KEPT, Anchor
from models.training.fine_tuning import Progress
from models.training.heads import LinearHeads
from parrot.adapters.bucket import FolderFiles
from parrot.model.bundle import Bundle, verified
from parrot.model.manifest import GATE, NAMING, SPECIES, TAXONOMY, Reference, digest
from parrot.model.species import SpeciesTable, Taxonomy


@dataclass(frozen=True, slots=True)
class Base:
    """The bundle in use, with the tables that the candidate will have."""

    bundle: Bundle
    files: Mapping[str, bytes]
    anchor: Anchor
    species: SpeciesTable
    taxonomy: Taxonomy

    @classmethod
    def read(cls, folder: Path, add: Sequence[str] = ()) -> Base:
        """`add` are ids of classes to append. Raises BadBundle, BadDataset."""
        source = FolderFiles(folder)
        bundle = Bundle.load(source, sha256=None)
        files = {name: verified(source, bundle.manifest, name) for name in bundle.manifest.files}
        start = Anchor.of(bundle.manifest.version, files)
        for kind in add:
            taxonomy = Taxonomy.parse(files[TAXONOMY])
            files[SPECIES] = species_table.appended(files[SPECIES], kind, taxonomy)
            table = SpeciesTable.parse(files[SPECIES])
            files[TAXONOMY] = species_table.taxonomy_for(table, files[TAXONOMY])
        table, taxonomy = SpeciesTable.parse(files[SPECIES]), Taxonomy.parse(files[TAXONOMY])
        return cls(bundle, files, start, table, taxonomy)

    @property
    def ids(self) -> list[str]:
        """Of the candidate's classes."""
        return [row.id for row in self.species.rows]

    @property
    def group_ids(self) -> tuple[str, ...]:
        """Of the groups that both name."""
        return () if self.bundle.naming is None else self.bundle.naming.group_ids

    @property
    def new(self) -> int:
        """How many classes the fit behind it did not have: the last ones."""
        return len(self.ids) + 1 - len(self.anchor.heads.species.biases)

    def start(self) -> LinearHeads:
        """Where the candidate's heads start."""
        return self.anchor.with_classes(self.ids, self.group_ids, self.taxonomy)

    def data(
        self, photos: Sequence[LabelledPhoto], extractor: Extractor, count: int, progress: Progress
    ) -> Dataset:
        """The first `count` samples of these photos, with the candidate's classes."""
        return dataset.load(
            photos,
            self.ids,
            self.taxonomy,
            extractor,
            served=self.bundle.manifest.served_classes,
            groups=self.group_ids,
            count=count,
            progress=progress,
        )


def bundle(base: Base, heads: LinearHeads, version: str, model_version: str) -> Bundle:
    """The candidate as functions would load it, but for the digests of its files.

    Thresholds and cuts are those of the bundle in use: what the heads' numbers mean is kept.
    """
    manifest = base.bundle.manifest
    gate = heads.as_gate()
    (model,) = manifest.models
    served = None if len(base.species) == manifest.served_classes else manifest.served_classes
    return replace(
        base.bundle,
        manifest=replace(
            manifest,
            version=version,
            classes=len(base.species),
            models=(replace(model, version=model_version, classes=served),),
            gate_kind=gate.scorer.kind,
            reference=tuple(
                Reference(line.features, round(float(gate.parrot([line.features])[0]), 8))
                for line in manifest.reference
            ),
        ),
        gate=gate,
        species=base.species,
        naming=heads.as_naming(base.group_ids),
        taxonomy=base.taxonomy,
    )


def write(  # noqa: PLR0913 - what a bundle is made of
    base: Base,
    candidate: Bundle,
    heads: LinearHeads,
    learnt: Sequence[bytes],
    folder: Path,
    *,
    told: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    """`learnt` are the sha256 of the photos, `told` what the card says. Raises BadBundle."""
    temperature = SpeciesHead.load(base.files[HEAD_FILE]).temperature
    served = heads.served.weights * temperature, heads.served.biases * temperature
    files = {
        **base.files,
        GATE: candidate.gate.dump(),
        NAMING: heads.as_naming(base.group_ids).dump(),
        HEAD_FILE: SpeciesHead(*served, temperature).dump(),
        **base.anchor.kept(),
        TRAINED_ON: fingerprints.dump(learnt, base.anchor.files[TRAINED_ON]),
        card.NAME: _card(base, candidate, told).encode(),
    }
    manifest = replace(
        candidate.manifest,
        files={name: digest(content) for name, content in files.items()},
        metrics=metrics,
    )
    releases.write_files(manifest, files, folder)


def _card(base: Base, candidate: Bundle, told: Mapping[str, Any]) -> str:
    before, after = base.bundle.manifest, candidate.manifest
    new = base.ids[before.classes :]
    text: str = card.template("retrained.md").render(
        before=before, after=after, new=new, kept=KEPT, fitted_card=KEPT + card.NAME, **told
    )
    return text
