"""How a training photo is looked at: sizes, cuts and augmentations, each with a name.

The views below were chosen by cross-validation on 1,829 photos; docs/decisions.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass

from parrot.model.inputs import Crop, InputSpec

INPUT = InputSpec(320, 320)  # what the served model takes
_SMALL = 260


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may happen to a photo before it is looked at; ranges are drawn from evenly.

    `short_side` are the pixels that are left of the shorter side at most.
    """

    short_side: tuple[float, float]
    quality: tuple[int, int]  # JPEG
    area: tuple[float, float] = (1.0, 1.0)  # share of the photo that a random cut keeps
    aspect: float = 1.0  # a cut's proportions lie in 1/aspect..aspect
    colour: tuple[float, float] = (1.0, 1.0)  # factors of brightness, contrast, saturation
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at every photo; the same view of the same photo gives the same features."""

    name: str
    spec: InputSpec
    augmentation: Augmentation | None = None


def _random(short_side: tuple[float, float]) -> Augmentation:
    return Augmentation(
        short_side, (50, 95), area=(0.5, 1.0), aspect=4 / 3, colour=(0.8, 1.2), mirror=True
    )


# As it is served.
PLAIN = View("plain", INPUT)
# The species head sees every photo as it is, smaller, and in four random cuts.
SPECIES_VIEWS = (
    PLAIN,
    View("small", InputSpec(_SMALL, _SMALL)),
    *(
        View(f"cut-{number}", InputSpec(_SMALL, _SMALL, crop=Crop.SQUASH), _random((128, 448)))
        for number in range(4)
    ),
)
# The gate sees no photo as it is: all groups are brought to one spread of sharpness and
# compression, because in many collections the birds that are no parrots are small crops.
GATE_VIEWS = (
    View("alike", INPUT, Augmentation((224, 224), (85, 85))),
    *(View(f"poor-{number}", INPUT, _random((110, 224))) for number in range(2)),
)
