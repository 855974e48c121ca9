"""The views of a photo that are used for training: size, crop and augmentation.

They were chosen by cross-validation on 1,829 photos; docs/decisions.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.data.augmentation import Augmentation
from models.network.classifier import INPUT
from parrot.model.inputs import Crop, InputSpec

_SMALL = 260


@dataclass(frozen=True, slots=True)
class View:
    """One way to see a photo; the same view of the same photo always gives the same features."""

    name: str
    spec: InputSpec
    augmentation: Augmentation | None = None


def _random(short_side: tuple[float, float]) -> Augmentation:
    return Augmentation(
        short_side, (50, 95), area=(0.5, 1.0), aspect=4 / 3, colour=(0.8, 1.2), mirror=True
    )


# As in production.
PLAIN = View("plain", INPUT)
# The species head is fitted on every photo unchanged, smaller, and in four random crops.
SPECIES_VIEWS = (
    PLAIN,
    View("small", InputSpec(_SMALL, _SMALL)),
    *(
        View(f"cut-{number}", InputSpec(_SMALL, _SMALL, crop=Crop.SQUASH), _random((128, 448)))
        for number in range(4)
    ),
)
# The gate is not fitted on unchanged photos: all groups get the same range of sharpness and
# compression, because many collections keep birds other than parrots as small crops.
GATE_VIEWS = (
    View("alike", INPUT, Augmentation((224, 224), (85, 85))),
    *(View(f"poor-{number}", INPUT, _random((110, 224))) for number in range(2)),
)
