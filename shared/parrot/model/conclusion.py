"""From what gate and heads say to the verdict, the set and the names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parrot.errors import BadModelResponse
from parrot.model.naming import lowest_sure
from parrot.records import Evidence, SpeciesSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parrot.model.bundle import Bundle
    from parrot.model.look import SecondLook
    from parrot.records import Floats, Named

    Flags = npt.NDArray[np.bool_]

_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is a parrot, and which species are likely if the bundle has heads for them."""

    evidence: Evidence
    is_parrot: bool
    chosen: Flags  # by class index: whether it is in the set; empty if only the logits tell

    def leaves_doubt(self, policy: SecondLook) -> bool:
        """Whether to look again."""
        size = None if self.evidence.species is None else int(self.chosen.sum())
        return policy.wanted(self.evidence.parrot, size)


@dataclass(frozen=True, slots=True)
class Names:
    """The ranking's probabilities by class index, the set and the taxon."""

    ranking: Sequence[float]
    species_set: SpeciesSet | None
    taxon: Named | None


def weigh(bundle: Bundle, features: Floats) -> Evidence:
    """What gate and heads say of these features."""
    parrot = bundle.gate.score(features)
    if bundle.naming is None or bundle.manifest.naming is None:
        return Evidence(parrot, None, _NOTHING)
    row = features[None]
    return Evidence(parrot, bundle.naming.species(row)[0], bundle.naming.groups(row)[0])


def judge(bundle: Bundle, evidence: Evidence) -> Verdict:
    """What follows from it."""
    is_parrot = evidence.parrot >= bundle.manifest.threshold
    policy = bundle.manifest.naming
    if evidence.species is None or policy is None:
        return Verdict(evidence, is_parrot, _NOTHING.astype(bool))
    return Verdict(evidence, is_parrot, policy.sets.classes(evidence.species[None])[0])


def name(bundle: Bundle, verdict: Verdict) -> Names:
    """What a parrot is called; what is not a parrot has no names. Raises BadModelResponse."""
    naming, policy, taxonomy = bundle.naming, bundle.manifest.naming, bundle.taxonomy
    evidence = verdict.evidence
    if not verdict.is_parrot:
        return Names((), None, None)
    if naming is None or policy is None or taxonomy is None or evidence.species is None:
        probabilities = checked(bundle, "probabilities", evidence.probabilities)
        return Names(probabilities.tolist(), _set(bundle, verdict), None)
    ranking = evidence.species[:-1].tolist()
    chosen = tuple(row for row in bundle.species.rows if verdict.chosen[row.index])
    taxon = lowest_sure(
        taxonomy,
        likely=[(row.id, ranking[row.index]) for row in chosen],
        groups=list(zip(naming.group_ids, evidence.groups.tolist(), strict=True)),
        sure=policy.sure,
    )
    return Names(ranking, SpeciesSet(policy.sets.coverage, chosen), taxon)


def checked(bundle: Bundle, name: str, vector: Floats | None) -> Floats:
    """One finite number per class. Raises BadModelResponse."""
    wanted = bundle.manifest.classes
    if vector is None or vector.shape != (wanted,) or not np.isfinite(vector).all():
        raise BadModelResponse(f"the model's {name} are not {wanted} finite numbers")
    return vector


def _set(bundle: Bundle, verdict: Verdict) -> SpeciesSet | None:
    conformal = bundle.manifest.conformal
    if conformal is None:
        return None
    likely = checked(bundle, "logits", verdict.evidence.logits) >= conformal.cut
    if len(verdict.chosen):
        likely |= verdict.chosen
    rows = bundle.species.rows
    return SpeciesSet(conformal.coverage, tuple(row for row in rows if likely[row.index]))
