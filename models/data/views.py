"""How a training photo is looked at: sizes, cuts and augmentations, each with a name.

The views below were chosen by cross-validation on 1,829 photos; docs/decisions.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.data.augmentation import Augmentation
from models.network.classifier import INPUT
from parrot.model.inputs import Crop, InputSpec

_SMALL = 260


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
