"""Why a photo was not taken for a parrot, from what the looks have found out already.

Where the gate is sure of another bird, or of no bird, that is the reason, however dark the photo.
Where it is not, the photo itself may be why: few pixels, no light, no sharp edge. Else what the
gate says is more likely is the reason, if it is likely enough. A wrong tip is worse than none.

Light and sharpness are measured on the whole of what a model saw, in under a millisecond: a black
cat in the sun is not dark, and a sharp bird before a soft background is not blurred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from parrot.records import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from parrot.model.rules import ReasonPolicy
    from parrot.records import Bytes, Floats, Scores

_GREEN = 1  # stands for brightness: seven tenths of it, and a third of the work
_BRIGHTEST = 0.02  # share of the picture that decides how bright it is
_FAR = 4  # pixels; over this distance a blurred edge still has its full height
OF_THE_GATE = (Reason.NO_BIRD, Reason.OTHER_BIRD, Reason.NOT_ALIVE)
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
    sharpness: float  # see `Quality`
    brightness: float
    not_alive: float = 0.0  # the picture or figure of a bird

    @classmethod
    def of(cls, scores: Scores, window: float, sharpness: float, brightness: float) -> Self:
        """Of the scores for one photo. Raises ValueError if its gate tells no other birds."""
        if scores.others is None:
            raise ValueError("a gate that does not tell other birds from no birds")
        other_bird, no_bird, *not_alive = scores.others.tolist()
        return cls(other_bird, no_bird, window, sharpness, brightness, *not_alive)


def why(evidence: Evidence, policy: ReasonPolicy) -> Reason | None:
    """The first reason that holds, None if none does."""
    gate, probability = gate_reason(evidence)
    if probability >= policy.sure:
        return gate
    for reason in PHOTOMETRIC:
        limit = getattr(policy, reason)
        if limit is not None and measured(evidence, reason) < limit:
            return reason
    limit = getattr(policy, gate)
    return gate if limit is not None and probability >= limit else None


def gate_reason(evidence: Evidence) -> tuple[Reason, float]:
    """What the gate says more likely, and how likely it is."""
    said = {reason: float(getattr(evidence, reason)) for reason in OF_THE_GATE}
    likeliest = max(said, key=said.__getitem__)
    return likeliest, said[likeliest]


def measured(evidence: Evidence, reason: Reason) -> float:
    """What a photometric reason looks at."""
    return float(getattr(evidence, PHOTOMETRIC[reason]))


@dataclass(frozen=True, slots=True)
class Quality:
    """`brightness` 0..1: what all but the brightest pixels stay below.

    `sharpness`: the step between neighbours, compared with the step over four pixels. A quarter
    where everything is a slope, 1 where it is an edge or noise, whatever the contrast.
    """

    brightness: float
    sharpness: float


def measure(pixels: Bytes | Floats) -> Quality:
    """Of a picture (height, width, 3) in 0..255."""
    green = pixels[..., _GREEN]
    counts = np.bincount(green.ravel().astype(np.uint8), minlength=256)
    below = np.searchsorted(np.cumsum(counts), (1 - _BRIGHTEST) * green.size)
    values = green.astype(np.float32)
    far = _step(values, _FAR)
    return Quality(float(below) / 255, _step(values, 1) / far if far else 1.0)


def _step(values: Floats, distance: int) -> float:
    """Root mean square of the differences over this distance, across and down."""
    total = 0.0
    for difference in (
        values[:, distance:] - values[:, :-distance],
        values[distance:] - values[:-distance],
    ):
        flat: npt.NDArray[np.float32] = difference.ravel()
        total += float(flat @ flat) / max(1, flat.size)
    return float(np.sqrt(total))
