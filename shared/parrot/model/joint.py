"""The joint answer for several photos of one bird, beside the photos' own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from parrot.model.decision import describe, join
from parrot.records import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.model.bundle import Bundle
    from parrot.records import Classification, Timing


def joined(
    bundle: Bundle,
    answers: Sequence[Classification],
    *,
    top: int | None,
    timings: tuple[Timing, ...],
) -> Together:
    """The joint answer beside the photos' own, all by this bundle.

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
    joint = limited(replace(joint, timings=timings, focus=surest.focus), top)
    return Together(joint, tuple(limited(answer, top) for answer in answers), agree)


def limited(answer: Classification, top: int | None) -> Classification:
    """With the first `top` lines of its ranking, all for None."""
    return replace(answer, species=answer.species[:top])
