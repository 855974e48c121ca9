"""A retrained bundle: new heads on everything else of the one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from models.data import dataset, fingerprints, species_table
from models.data.dataset import KINDS, Dataset, Progress
from models.data.features import Extractor
from models.data.fingerprints import TRAINED_ON
from models.data.labelled_photos import LabelledPhoto
from models.network.weights import HEAD_FILE, SpeciesHead
from models.publishing import releases
from models.training import card
from models.training.heads import AS_IT_IS, LinearHead, LinearHeads
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle, verified
from parrot.model.heads import Gate, Naming, ThreeWay
from parrot.model.manifest import GATE, NAMING, SPECIES, TAXONOMY, Reference, digest
from parrot.model.species import SpeciesTable, Taxonomy
from parrot.records import Rank

KEPT = "fitted-"  # what the names of that fit's files begin with in a retrained bundle
_FILES = (GATE, NAMING, HEAD_FILE, TRAINED_ON, card.NAME)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where retrained heads start: those that were fitted on photos of which nobody takes any back.

    A retrained bundle keeps that fit's files beside its own, and the next one starts from them
    again, not from the retrained heads: so no saved photo counts twice, and what people take back
    is forgotten. The heads have scales and temperatures in their weights.
    """

    heads: LinearHeads
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, version: str, files: Mapping[str, bytes]) -> Self:
        """Of a bundle's files: itself, or the fit that it was retrained from. Raises BadBundle."""
        files = {name: files.get(KEPT + name, files.get(name, b"")) for name in _FILES}
        if not (files[GATE] and files[NAMING] and files[HEAD_FILE]):
            raise BadBundle(f"{version} has no names of groups: fit it again")
        gate, naming = Gate.load(files[GATE]), Naming.load(files[NAMING])
        scorer, served = gate.scorer, SpeciesHead.load(files[HEAD_FILE])
        scaled = gate.calibration == AS_IT_IS
        if not scaled or not isinstance(scorer, ThreeWay) or len(scorer.biases) != KINDS:
            raise BadBundle(f"{version} has another kind of gate: fit it again")
        calm = np.float32(1 / served.temperature)
        heads = LinearHeads(
            LinearHead(scorer.weights.astype(np.float32), scorer.biases.astype(np.float32)),
            LinearHead(naming.species.weights, naming.species.biases),
            LinearHead(naming.groups.weights, naming.groups.biases),
            LinearHead(served.weights * calm, served.bias * calm),
        )
        return cls(heads, files)

    def kept(self) -> dict[str, bytes]:
        """What a retrained bundle keeps of them."""
        return {KEPT + name: content for name, content in self.files.items()}

    def with_classes(
        self, ids: Sequence[str], group_ids: Sequence[str], taxonomy: Taxonomy
    ) -> LinearHeads:
        """The heads for these species, of which the last ones may be new.

        A new class starts as "another parrot" of its group, or of the groups of its family.
        """
        species, groups = self.heads.species, self.heads.groups
        other = np.append(species.weights[:, -1], species.biases[-1])
        group_rows = np.vstack([groups.weights, groups.biases])
        rows = []
        for name in ids[len(species.biases) - 1 :]:
            kin = _kin(name, group_ids, taxonomy)
            towards = group_rows[:, kin].mean(axis=1) - group_rows.mean(axis=1) if kin else 0
            rows.append(other + towards)
        if not rows:
            return self.heads
        new = np.stack(rows, axis=1).astype(np.float32)
        wider = LinearHead(
            np.insert(species.weights, [-1] * len(rows), new[:-1], axis=1),
            np.insert(species.biases, [-1] * len(rows), new[-1]),
        )
        return replace(self.heads, species=wider)


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


def _kin(name: str, group_ids: Sequence[str], taxonomy: Taxonomy) -> list[int]:
    """The groups that a species may start from: its own, else those of its family."""
    for rank in (Rank.GROUP, Rank.FAMILY):
        above = taxonomy.above(name, rank)
        over = [taxonomy.above(group, rank) for group in group_ids]
        same = [n for n, taxon in enumerate(over) if taxon is not None and taxon == above]
        if same:
            return same
    return []
