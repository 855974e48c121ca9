"""From features to an answer: score, decide, describe.

    score     what gate and heads say of features: `Scores`
    decide    what follows: whether it is a parrot, and which species it may be: `Decision`
    describe  ranking, set and taxon of one photo: `Classification`

`score` and `decide` take arrays of any leading axes: one photo has none, an evaluation has photos
and looks. `in_doubt` says when to look again, `sees_nothing` and `look` at what; `combined` scores
all looks, `decided` does all that for one photo. `join` makes one decision of those for several
photos of one bird, `joined` the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from parrot.model.rules import JointPolicy
from parrot.records import Classification, Decision, Scores, SpeciesSet, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from parrot.model.bundle import Bundle
    from parrot.model.look import SecondLook
    from parrot.model.rules import Rules
    from parrot.model.species import Taxonomy
    from parrot.records import Basis, Flags, Floats, Named, Numbers, Reason

    # Of features (..., d), or of anything else that is averaged as features are.
    Scorer = Callable[[Floats], Scores]

OTHER_BIRD, NO_BIRD = 0, 1  # `Scores.others`
_SMALLEST = 1e-9  # what shares are divided by, at least
_TINY = 1e-12  # the smallest probability that a logit is taken of


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids of the species and of the groups by class index; `sure` as in `NamingPolicy`."""

    species: Sequence[str]
    groups: Sequence[str]
    taxonomy: Taxonomy
    sure: float


def score(bundle: Bundle, features: Floats) -> Scores:
    """What gate and heads say of features (..., d)."""
    rows, leading = features.reshape(-1, features.shape[-1]), features.shape[:-1]

    def shaped(probabilities: Numbers) -> Numbers:
        return probabilities.reshape((*leading, *probabilities.shape[1:]))

    parrot, others = bundle.gate.score(rows)
    heads = bundle.naming
    species, groups = (None, None) if heads is None else (heads.species(rows), heads.groups(rows))
    return Scores(
        parrot=shaped(parrot),
        others=None if others is None else shaped(others),
        species=None if species is None else shaped(species),
        groups=None if groups is None else shaped(groups),
    )


def decide(scores: Scores, rules: Rules) -> Decision:
    """What follows from the scores."""
    in_set: Flags | None = None
    doubted = np.zeros(scores.parrot.shape, bool)
    if scores.species is not None and rules.naming is not None:
        other, known = scores.species[..., -1:], scores.species[..., :-1]
        shares = known / known.sum(axis=-1, keepdims=True).clip(_SMALLEST)
        in_set = (shares >= rules.naming.share) & (other < rules.naming.other)
        if rules.naming.alone is not None:
            doubted = other[..., 0] >= rules.naming.alone
    elif scores.logits is not None and rules.conformal is not None:
        in_set = scores.logits >= rules.conformal.cut
    is_parrot = scores.parrot >= rules.threshold
    least = rules.threshold if rules.maybe is None else rules.maybe
    return Decision(scores, is_parrot, in_set, (scores.parrot >= least) & ~is_parrot, doubted)


def decided(bundle: Bundle, basis: Basis) -> Decision:
    """What a bundle makes of the looks at one photo."""
    scorer, rules = partial(score, bundle), bundle.manifest.rules
    if len(basis.features) == 1 or rules.second_look is None:
        return decide(scorer(basis.features[0]), rules)
    looks, nothing = basis.features, basis.nothing
    return decide(combined(scorer, looks, rules.second_look, nothing=nothing), rules)


def in_doubt(decision: Decision, second_look: SecondLook) -> Flags:
    """(...) whether a first look leaves doubt: see `SecondLook`."""
    scores = decision.scores
    unsure = scores.parrot < second_look.high
    doubt: Flags = unsure & (scores.parrot > second_look.low)
    if second_look.bird is not None and scores.others is not None:
        doubt = doubt & (scores.others[..., OTHER_BIRD] < second_look.bird)
    if decision.in_set is not None:
        doubt = doubt | (~unsure & (decision.in_set.sum(axis=-1) != 1))
    return doubt


def sees_nothing(scores: Scores, second_look: SecondLook) -> Flags:
    """(...) whether a first look says so little that the photo's two best windows are looked at."""
    if second_look.nothing is None or scores.others is None:
        return np.zeros(scores.parrot.shape, bool)
    return np.asarray(scores.others[..., NO_BIRD] >= second_look.nothing)


def surer(score: Scorer, windows: Floats) -> Flags:
    """(...) which of two windows (..., 2, d) counts: whether it is the second one."""
    parrot = score(windows).parrot
    return np.asarray(parrot[..., 1] > parrot[..., 0])


def combined(score: Scorer, looks: Floats, second_look: SecondLook, *, nothing: bool) -> Scores:
    """Of a first look and closer ones (..., looks, d), the closest of them last: names by the mean.

    Whether there is a parrot is what the mean says, too; but where that sees no bird, the closest
    look decides. If the first look saw `nothing` it is heard in place of the mean: closer looks
    at another part of the photo would only confuse it.
    """
    names = score(np.asarray(looks.mean(axis=-2)))
    if second_look.nothing is None:
        return names
    wide = score(looks[..., 0, :]) if nothing else names
    closest = score(looks[..., -1, :])
    if wide.others is None or closest.others is None:
        raise ValueError("a gate that does not tell other birds from no birds")
    near = closest.others.copy()
    near[..., NO_BIRD] *= second_look.caution or 1.0
    unseen = wide.others[..., NO_BIRD] / (closest.parrot + near.sum(axis=-1))
    others = wide.others + unseen[..., None] * near
    others[..., NO_BIRD] = unseen * near[..., NO_BIRD]
    return replace(names, parrot=wide.parrot + unseen * closest.parrot, others=others)


def ranking(scores: Scores) -> Numbers | None:
    """(..., classes): what the species are ranked by."""
    return scores.probabilities if scores.species is None else scores.species[..., :-1]


def join(photos: Sequence[Decision], rules: Rules) -> tuple[Decision, bool]:
    """One decision for photos of one bird, and whether they may show one bird.

    The gate hears every photo. Names come from the photos that show a parrot by themselves, else
    from those that may show one: what shows none cannot tell which one. Where photos contradict
    each other, since two of their sets share no species, the joint set has what each of them most
    likely shows, and whatever is at least as likely as one of those.
    """
    parrots = [photo for photo in photos if photo.is_parrot]
    parrots = parrots or [photo for photo in photos if photo.maybe]
    named = [photo.scores for photo in parrots or photos]
    logits = [scores.logits for scores in named if scores.logits is not None]
    joint = decide(
        Scores(
            parrot=_joint_parrot(np.array([photo.scores.parrot for photo in photos]), rules),
            others=None,
            species=_joint_names([scores.species for scores in named]),
            groups=_joint_names([scores.groups for scores in named]),
            probabilities=_joint_names([scores.probabilities for scores in named]),
            logits=np.mean(logits, axis=0) if logits else None,
        ),
        rules,
    )
    sure = [
        (photo.in_set, likely)
        for photo in parrots
        if photo.in_set is not None and photo.in_set.any()
        if (likely := ranking(photo.scores)) is not None
    ]
    pairs = combinations([in_set for in_set, _ in sure], 2)
    agree, likely = all((a & b).any() for a, b in pairs), ranking(joint.scores)
    if agree or joint.in_set is None or likely is None:
        return joint, agree
    widened = joint.in_set.copy()
    widened[[shares.argmax() for _, shares in sure]] = True
    return replace(joint, in_set=widened | (likely >= likely[widened].min())), agree


def geometric_mean(probabilities: Sequence[Numbers]) -> Floats:
    """The mean of the logits behind these probabilities, as probabilities again."""
    logs = np.mean(np.log(np.maximum(probabilities, _TINY)), axis=0)
    mean = np.exp(logs - logs.max())
    return np.asarray(mean / mean.sum(), np.float32)


def taxon(decision: Decision, vocabulary: Vocabulary) -> Named | None:
    """The lowest rank that the decision for one photo is sure of."""
    likely, in_set, groups = ranking(decision.scores), decision.in_set, decision.scores.groups
    if likely is None or in_set is None:
        return None
    return vocabulary.taxonomy.lowest_sure(
        likely=[(vocabulary.species[k], float(likely[k])) for k in np.flatnonzero(in_set).tolist()],
        groups=[] if groups is None else list(zip(vocabulary.groups, groups.tolist(), strict=True)),
        sure=vocabulary.sure,
        alone=not decision.doubted,
    )


def describe(  # noqa: PLR0913 - what an answer says of its photo
    bundle: Bundle,
    decision: Decision,
    *,
    models: tuple[tuple[str, str], ...],
    sha256: str,
    size: tuple[int, int],
    reason: Reason | None = None,
) -> Classification:
    """The answer for one photo; what cannot be a parrot has no names."""
    table, rules, scores = bundle.species, bundle.manifest.rules, decision.scores
    named, vocabulary = bool(decision.is_parrot or decision.maybe), _vocabulary(bundle)
    likely = ranking(scores) if named else None
    served = scores.probabilities if named else None
    policy = rules.naming or rules.conformal
    species_set = None
    if named and decision.in_set is not None and policy is not None:
        in_set = tuple(table.rows[k] for k in np.flatnonzero(decision.in_set).tolist())
        species_set = SpeciesSet(policy.coverage, in_set)
    one = species_set.species[0].id if species_set and len(species_set.species) == 1 else None
    return Classification(
        is_parrot=bool(decision.is_parrot),
        maybe=bool(decision.maybe),
        parrot_probability=float(scores.parrot),
        species=() if likely is None else table.rank(likely.tolist()),
        probabilities=() if served is None else tuple(served.tolist()),
        species_set=species_set,
        bundle=bundle.manifest.version,
        models=models,
        sha256=sha256,
        width=size[0],
        height=size[1],
        taxon=taxon(decision, vocabulary) if named and vocabulary is not None else None,
        decision=decision,
        reason=None if named else reason,
        look_alikes=tuple(row for row in bundle.look_alikes if row.of == one),
    )


def joined(bundle: Bundle, answers: Sequence[Classification]) -> Together:
    """The joint answer for several photos of one bird beside their own, all by this bundle.

    Size and hash are those of the surest photo with the same verdict.
    """
    decisions = [answer.decision for answer in answers if answer.decision is not None]
    decision, agree = join(decisions, bundle.manifest.rules)
    verdict = (bool(decision.is_parrot), bool(decision.maybe))
    alike = [answer for answer in answers if (answer.is_parrot, answer.maybe) == verdict]
    surest = max(alike or answers, key=lambda answer: abs(answer.parrot_probability - 0.5))
    joint = describe(
        bundle,
        decision,
        models=tuple(dict(pair for answer in answers for pair in answer.models).items()),
        sha256=surest.sha256,
        size=(surest.width, surest.height),
        reason=surest.reason,
    )
    joint = replace(joint, timings=answers[0].timings, focus=surest.focus)
    return Together(joint, tuple(answers), agree)


def _joint_parrot(probabilities: Numbers, rules: Rules) -> Numbers:
    """Between the lowest and the highest; it reaches the threshold only if one of them does."""
    doubt = (rules.joint or JointPolicy()).doubt
    inner = np.clip(probabilities, _TINY, 1 - _TINY)
    odds = np.log(inner / (1 - inner))
    if (probabilities >= rules.threshold).any():
        odds = np.maximum(odds, -doubt)
    return np.asarray(1 / (1 + np.exp(-odds.mean())))


def _joint_names(probabilities: Sequence[Numbers | None]) -> Floats | None:
    known = [row for row in probabilities if row is not None and row.size]
    return geometric_mean(known) if known else None


def _vocabulary(bundle: Bundle) -> Vocabulary | None:
    """None for a bundle without heads."""
    policy = bundle.manifest.rules.naming
    if bundle.naming is None or bundle.taxonomy is None or policy is None:
        return None
    ids = [row.id for row in bundle.species.rows]
    return Vocabulary(ids, bundle.naming.group_ids, bundle.taxonomy, policy.sure)
