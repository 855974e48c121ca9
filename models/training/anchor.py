"""Where retrained heads start: the heads that were fitted on photos of which nobody takes any back.

A retrained bundle keeps them in `anchor.npz`, and the next one starts from there again, not from
the retrained heads: so no saved photo counts twice, and what people take back is forgotten.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from models.data import fingerprints
from models.network.weights import HEAD_FILE, SpeciesHead
from models.training.heads import LinearHead, LinearHeads
from parrot.errors import BadBundle
from parrot.model import npz
from parrot.model.gate import ThreeWay
from parrot.model.manifest import digest
from parrot.records import Rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parrot.model.bundle import Bundle, BundleFiles
    from parrot.model.species import Taxonomy

ANCHOR = "anchor.npz"
_HEADS = [field.name for field in fields(LinearHeads)]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Heads with scales and temperatures in their weights, and what they were fitted on."""

    heads: LinearHeads
    trained_on: bytes  # as `fingerprints.TRAINED_ON`

    @classmethod
    def of(cls, bundle: Bundle, files: Mapping[str, bytes]) -> Self:
        """A bundle's own, or the one that it was retrained from. Raises BadBundle."""
        if ANCHOR in files:
            return cls.load(files[ANCHOR])
        naming, scorer = bundle.naming, bundle.gate.scorer
        if naming is None or not isinstance(scorer, ThreeWay) or HEAD_FILE not in files:
            raise BadBundle(f"{bundle.manifest.version} is of an older kind: fit it again")
        served = SpeciesHead.load(files[HEAD_FILE])
        calm = np.float32(1 / served.temperature)
        heads = LinearHeads(
            LinearHead(
                np.asarray(scorer.weights, np.float32), np.asarray(scorer.biases, np.float32)
            ),
            LinearHead(naming.species.weights, naming.species.biases),
            LinearHead(naming.groups.weights, naming.groups.biases),
            LinearHead(served.weights * calm, served.bias * calm),
        )
        return cls(heads, files.get(fingerprints.TRAINED_ON, b""))

    def dump(self) -> bytes:
        """The anchor as `anchor.npz`."""
        arrays = {"trained_on": np.frombuffer(self.trained_on, np.uint8)}
        for name in _HEADS:
            head = getattr(self.heads, name)
            arrays |= {f"{name}_weights": head.weights, f"{name}_biases": head.biases}
        out = io.BytesIO()
        np.savez_compressed(out, allow_pickle=False, **arrays)
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Read `anchor.npz`; pickled arrays are refused. Raises BadBundle."""
        try:
            file = npz.arrays(data)
            heads = {
                name: LinearHead(file[f"{name}_weights"], file[f"{name}_biases"]) for name in _HEADS
            }
            return cls(LinearHeads(**heads), file["trained_on"].tobytes())
        except Exception as error:  # zip, header and key errors alike: the file is damaged
            raise BadBundle(f"{ANCHOR} cannot be read: {error!r}") from error

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


def read(files: BundleFiles, names: Mapping[str, str]) -> dict[str, bytes]:
    """Every file of a manifest, checked. Raises BadBundle."""
    contents = {name: files.read(name) for name in names}
    damaged = [name for name, content in contents.items() if digest(content) != names[name]]
    if damaged:
        raise BadBundle(f"{damaged[0]} does not have the sha256 that the manifest says: damaged")
    return contents
