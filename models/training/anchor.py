"""Where retrained heads start: the heads that were fitted on photos of which nobody takes any back.

A retrained bundle keeps that fit's files beside its own, and the next one starts from them again,
not from the retrained heads: so no saved photo counts twice, and what people take back is
forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.data.dataset import KINDS
from models.data.fingerprints import TRAINED_ON
from models.network.weights import HEAD_FILE, SpeciesHead
from models.training import card
from models.training.heads import AS_IT_IS, LinearHead, LinearHeads
from parrot.errors import BadBundle
from parrot.model.gate import Gate, ThreeWay
from parrot.model.manifest import GATE, NAMING
from parrot.model.naming import Naming
from parrot.model.species import Taxonomy
from parrot.records import Rank

KEPT = "fitted-"  # what the names of that fit's files begin with in a retrained bundle
_FILES = (GATE, NAMING, HEAD_FILE, TRAINED_ON, card.NAME)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Heads with scales and temperatures in their weights, and the files of their fit."""

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


def _kin(name: str, group_ids: Sequence[str], taxonomy: Taxonomy) -> list[int]:
    """The groups that a species may start from: its own, else those of its family."""
    for rank in (Rank.GROUP, Rank.FAMILY):
        above = taxonomy.above(name, rank)
        over = [taxonomy.above(group, rank) for group in group_ids]
        same = [n for n, taxon in enumerate(over) if taxon is not None and taxon == above]
        if same:
            return same
    return []
