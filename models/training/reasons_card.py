"""The card's section about reasons: when each is given, and how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.evaluation import reasons
from parrot.model.reason import PHOTOMETRIC

if TYPE_CHECKING:
    from models.evaluation.reasons import Line
    from models.training.fitting import Fitted
    from parrot.model.rules import ReasonPolicy
    from parrot.records import Reason

_UNITS = {"window": " px", "brightness": " of 1", "sharpness": " of 1"}


def section(fitted: Fitted) -> str:
    """A table, or a sentence where this kind of gate gives no reasons."""
    policy = fitted.reasons
    if policy is None:
        return "This kind of gate gives no reason for what is not a parrot."
    columns = [reasons.lines(fitted.judged.clean), reasons.lines(fitted.judged.stressed)]
    names = ["as they are", "stressed"]
    if fitted.new_sources is not None:
        columns.append(reasons.lines(fitted.new_sources.clean))
        names.append("new sources")
    rows = [
        f"| {found[0].reason} | {_rule(policy, found[0].reason)} | "
        + " | ".join(_right(line) for line in found)
        + f" | {_found(found[1])} |"
        for found in zip(*columns, strict=True)
    ]
    rejected = [~fitted.judged.clean.is_parrot, ~fitted.judged.stressed.is_parrot]
    given = [sum(line.given for line in column) for column in columns]
    head = " | ".join(f"right, {name}" for name in names)
    clean, stressed = (
        f"{total / max(1, int(rows.sum())):.1%}"
        for total, rows in zip(given[:2], rejected, strict=True)
    )
    return f"""Why something is not a parrot. Thresholds are set for {policy.precision:.0%} right,
photos as they are and under stress weighing the same; the table counts photos that were not taken
for parrots, explained by thresholds that were fitted without them (on new sources: with them). The
gate's reasons are right where the photo shows that, the others where the photo was stressed that
way (too small: 72 px, bird at 1/3 or 1/4), whatever it shows; a photo that is dark by itself counts
as wrong. In the last column, how many stressed photos get the reason that they should, and of these
the parrots. A reason is given for {clean} of photos as they are and {stressed} of stressed ones.

| reason | given where | {head} | found, stressed |
|---|---|{"---|" * len(names)}---|
{chr(10).join(rows)}"""


def _rule(policy: ReasonPolicy, reason: Reason) -> str:
    limit = getattr(policy, reason)
    if reason in PHOTOMETRIC:
        sign = PHOTOMETRIC[reason]
        rule = "" if limit is None else f"{sign} below {limit:.3g}{_UNITS[sign]}, the gate not sure"
    else:
        rule = f"the gate is sure ({policy.sure:g})"
        rule += "" if limit is None else f", or says {limit:.2f} and the photo is not why"
    return rule or "never: not precise enough"


def _right(line: Line) -> str:
    found = line.precision
    if found is None:
        return "never given"
    rate, low, high = found
    return f"{rate:.1%} ({low:.1%}..{high:.1%}, n = {line.given})"


def _found(line: Line) -> str:
    if line.found is None:
        return ""
    parrots = f"; parrots {line.given_parrots} of {line.due_parrots}" if line.due_parrots else ""
    return f"{line.found:.0%} of {line.due}{parrots}"
