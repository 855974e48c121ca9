"""Why a photo was not taken for a parrot, from what the looks have found out already.

Where the gate is sure of another bird, or of no bird, that is the reason, however dark the photo.
Where it is not, the photo itself may be why: few pixels, no light, no sharp edge. Else what the
gate says is more likely is the reason, if it is likely enough. A wrong tip is worse than none.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from parrot.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# What each reason in the photo itself looks at, in the order in which they are tried: a small photo
# is soft as well.
PHOTOMETRIC: Mapping[Reason, str] = {
    Reason.TOO_SMALL: "window",
    Reason.TOO_DARK: "brightness",
    Reason.BLURRED: "sharpness",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a photo that was not taken for a parrot; probabilities by all looks."""

    other_bird: float  # probability of a bird that is not a parrot
    no_bird: float
    window: float  # short side in pixels of the window of the photo that is most like a parrot
    sharpness: float  # see `parrot.photo.quality`
    brightness: float


@dataclass(frozen=True, slots=True)
class ReasonPolicy:
    """From where on each reason is given; None where it is not precise enough to be given at all.

    `no_bird` and `other_bird` are probabilities that must be reached, the others must not be; at
    `sure` the gate needs no look at the photo. `precision` is the share of right reasons that the
    thresholds were fitted for.
    """

    precision: float
    sure: float
    no_bird: float | None = None
    other_bird: float | None = None
    too_small: float | None = None  # pixels
    blurred: float | None = None
    too_dark: float | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The inverse of `dump`. Raises KeyError, TypeError, ValueError."""
        thresholds = {reason.value: _threshold(raw, reason) for reason in Reason}
        return cls(float(raw["precision"]), float(raw["sure"]), **thresholds)

    def dump(self) -> dict[str, float]:
        """The manifest's section; reasons that are never given are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def problems(self) -> Iterator[str]:
        """What contradicts itself."""
        if not (0 < self.precision <= 1 and 0 < self.sure <= 1):
            yield "precision and sure must be above 0 and at most 1"
        for name in Reason:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                yield f"{name} must be a number, 0 or more"


def why(evidence: Evidence, policy: ReasonPolicy) -> Reason | None:
    """The first reason that holds, None if none does."""
    gate, probability = gates_own(evidence)
    if probability >= policy.sure:
        return gate
    for reason in PHOTOMETRIC:
        limit = getattr(policy, reason)
        if limit is not None and measured(evidence, reason) < limit:
            return reason
    limit = getattr(policy, gate)
    return gate if limit is not None and probability >= limit else None


def gates_own(evidence: Evidence) -> tuple[Reason, float]:
    """What the gate says more likely, and how likely it is."""
    if evidence.no_bird >= evidence.other_bird:
        return Reason.NO_BIRD, evidence.no_bird
    return Reason.OTHER_BIRD, evidence.other_bird


def measured(evidence: Evidence, reason: Reason) -> float:
    """What a photometric reason looks at."""
    return float(getattr(evidence, PHOTOMETRIC[reason]))


def _threshold(raw: Mapping[str, Any], name: str) -> float | None:
    return None if raw.get(name) is None else float(raw[name])
