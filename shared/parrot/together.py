"""How the answers for several photos of one bird become one answer.

The gate hears every photo. Names come from the photos that show a parrot by themselves: what shows
none cannot tell which one. Where photos contradict each other, the answer says so, and its set has
what each of them most likely shows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from parrot.model import conclusion
from parrot.model.conclusion import checked
from parrot.model.joining import DEFAULT, agree, geometric_mean, widened
from parrot.records import Evidence, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from parrot.model.bundle import Bundle
    from parrot.model.joining import JointPolicy
    from parrot.records import Classification, Timing


def join(
    bundle: Bundle,
    answers: Sequence[Classification],
    *,
    top: int | None,
    timings: tuple[Timing, ...],
) -> Together:
    """The joint answer beside the photos' own, all by this bundle. Raises BadModelResponse.

    Size and hash are those of the surest photo with the same verdict.
    """
    manifest = bundle.manifest
    evidence = _joined(answers, manifest.joint or DEFAULT, manifest.threshold)
    verdict = conclusion.judge(bundle, evidence)
    named = [answer for answer in answers if answer.species_set and answer.species_set.species]
    same = agree([_flags(bundle, answer) for answer in named])
    if verdict.is_parrot and not same:
        ranking = evidence.probabilities if evidence.species is None else evidence.species[:-1]
        best = [answer.species[0].species.index for answer in named]
        likely = checked(bundle, "probabilities", ranking)
        verdict = replace(verdict, chosen=widened(verdict.chosen, best, likely))
    names = conclusion.name(bundle, verdict)
    alike = [answer for answer in answers if answer.is_parrot == verdict.is_parrot]
    surest = max(alike or answers, key=lambda answer: abs(answer.parrot_probability - 0.5))
    joint = replace(
        surest,
        is_parrot=verdict.is_parrot,
        parrot_probability=evidence.parrot,
        species=bundle.species.rank(names.ranking) if verdict.is_parrot else (),
        species_set=names.species_set,
        taxon=names.taxon,
        models=tuple(dict(pair for answer in answers for pair in answer.models).items()),
        timings=timings,
        evidence=evidence,
        reason=None if verdict.is_parrot else surest.reason,
    )
    return Together(_limited(joint, top), tuple(_limited(one, top) for one in answers), same)


def _joined(answers: Sequence[Classification], policy: JointPolicy, threshold: float) -> Evidence:
    """What all say of the gate, and what the parrots among them say of the name."""
    parrot = policy.parrot(np.array([answer.parrot_probability for answer in answers]), threshold)
    found = [
        answer.evidence for answer in answers if answer.evidence is not None and answer.is_parrot
    ]
    species = [one.species for one in found if one.species is not None]
    groups = [one.groups for one in found if len(one.groups)]
    probabilities = [one.probabilities for one in found if one.probabilities is not None]
    logits = [one.logits for one in found if one.logits is not None]
    return Evidence(
        parrot,
        geometric_mean(species) if species else None,
        geometric_mean(groups) if groups else np.zeros(0, np.float32),
        geometric_mean(probabilities) if probabilities else None,
        np.mean(logits, axis=0) if logits else None,
    )


def _flags(bundle: Bundle, answer: Classification) -> npt.NDArray[np.bool_]:
    """The photo's set by class index."""
    flags = np.zeros(len(bundle.species), bool)
    for row in answer.species_set.species if answer.species_set is not None else ():
        flags[row.index] = True
    return flags


def _limited(answer: Classification, top: int | None) -> Classification:
    return replace(answer, species=answer.species[:top])
