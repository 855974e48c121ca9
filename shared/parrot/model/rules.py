"""How scores become answers: every threshold of a bundle, as its manifest keeps them.

"gate" has the threshold; "conformal", "naming", "second_look", "joint" and "reasons" are optional:
a bundle without one answers as bundles did before there was any.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self, TypeVar

from parrot.model.look import SecondLook, View
from parrot.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    _Policy = TypeVar(
        "_Policy", "Conformal", "NamingPolicy", SecondLook, "JointPolicy", "ReasonPolicy"
    )


@dataclass(frozen=True, slots=True)
class Conformal:
    """The species whose logits reach `cut` include the true one with probability `coverage`."""

    coverage: float
    cut: float


@dataclass(frozen=True, slots=True)
class NamingPolicy:
    """Which species are in the set, and from which probability on a group or family is named.

    The set includes the true species with probability `coverage`. It is empty if "another parrot"
    has a probability of `other` or more. Otherwise it contains each class whose share among the
    known classes is `share` or more. A group or family is named if it is at least `sure`; also in
    place of the one species of a set, if "another parrot" has `alone` or more.
    """

    coverage: float
    other: float
    share: float
    sure: float
    alone: float | None = None  # older bundles: the one species is always named


@dataclass(frozen=True, slots=True)
class JointPolicy:
    """Photos of one bird are often alike and err alike: they are averaged, not multiplied.

    Where one shows a parrot, no other lowers the sum of the log odds by more than `doubt`: what a
    photo does not show, or not clearly, says little about what another shows.
    """

    doubt: float = 1.0


@dataclass(frozen=True, slots=True)
class ReasonPolicy:
    """The threshold of each reason; None if it is not precise enough to be given at all.

    Those of the gate are probabilities that must be reached, the others must not be; at
    `sure` the gate needs no look at the photo. `precision` is the share of right reasons that the
    thresholds were fitted for.
    """

    precision: float
    sure: float
    no_bird: float | None = None
    other_bird: float | None = None
    not_alive: float | None = None
    too_small: float | None = None  # pixels
    blurred: float | None = None
    too_dark: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A photo shows a parrot from the probability `threshold` on, and may show one from `maybe` on.

    None: the bundle has no such.
    """

    threshold: float
    maybe: float | None = None
    conformal: Conformal | None = None
    naming: NamingPolicy | None = None
    second_look: SecondLook | None = None
    joint: JointPolicy | None = None
    reasons: ReasonPolicy | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Read a whole manifest's. Raises KeyError, TypeError, ValueError, AttributeError."""
        return cls(
            threshold=float(raw["gate"]["threshold"]),
            maybe=None if raw["gate"].get("maybe") is None else float(raw["gate"]["maybe"]),
            conformal=_policy(Conformal, raw.get("conformal")),
            naming=_policy(NamingPolicy, raw.get("naming")),
            second_look=_policy(SecondLook, raw.get("second_look")),
            joint=_policy(JointPolicy, raw.get("joint")),
            reasons=_policy(ReasonPolicy, raw.get("reasons") or None),
        )

    @property
    def tells_birds(self) -> bool:
        """Whether they need a gate that distinguishes other birds from no bird."""
        again = self.second_look
        needed = (self.reasons, again and again.bird, again and again.nothing)
        return any(part is not None for part in needed)

    def dump(self) -> dict[str, dict[str, Any]]:
        """The manifest's optional sections; reasons that are never given are left out."""
        policies = {
            "conformal": self.conformal,
            "naming": self.naming,
            "second_look": self.second_look,
            "joint": self.joint,
            "reasons": self.reasons,
        }
        return {
            section: {name: value for name, value in asdict(policy).items() if value is not None}
            for section, policy in policies.items()
            if policy is not None
        }

    def problems(self) -> Iterator[str]:
        """What contradicts itself."""
        if not 0 <= self.threshold <= 1:
            yield "gate.threshold is not a probability"
        if self.maybe is not None and not 0 <= self.maybe <= self.threshold:
            yield "gate: 0 <= maybe <= threshold"
        if self.conformal is not None and not (
            0 < self.conformal.coverage < 1 and math.isfinite(self.conformal.cut)
        ):
            yield "conformal: coverage must lie between 0 and 1, and cut must be finite"
        if self.naming is not None:
            coverage, share, sure = self.naming.coverage, self.naming.share, self.naming.sure
            if not (0 < coverage < 1 and 0 <= share <= 1 and 0 < sure <= 1):
                yield "naming: coverage, share and sure are probabilities"
            if not math.isfinite(self.naming.other):
                yield "naming: other is not finite"
            if self.naming.alone is not None and not 0 < self.naming.alone < math.inf:
                yield "naming: 0 < alone"
        if self.second_look is not None:
            yield from (f"second_look: {problem}" for problem in self.second_look.problems())
        if self.joint is not None and not 0 <= self.joint.doubt < math.inf:
            yield "joint: 0 <= doubt"
        yield from _reason_problems(self.reasons)


def _policy(kind: type[_Policy], raw: Mapping[str, Any] | None) -> _Policy | None:
    if raw is None:
        return None
    given: dict[str, Any] = {
        field.name: raw[field.name]
        for field in fields(kind)
        if field.default is not None or raw.get(field.name) is not None
    }
    for name, value in given.items():
        given[name] = tuple(map(View, value)) if name == "views" else float(value)
    return kind(**given)


def _reason_problems(policy: ReasonPolicy | None) -> Iterator[str]:
    if policy is None:
        return
    if not (0 < policy.precision <= 1 and 0 < policy.sure <= 1):
        yield "reasons: precision and sure must be above 0 and at most 1"
    for name in Reason:
        value = getattr(policy, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            yield f"reasons: {name} must be a number, 0 or more"
