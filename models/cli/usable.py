"""Whether a fit can be used, in one sentence that a person understands, before all tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.data.labelled_photos import Group

if TYPE_CHECKING:
    from models.evaluation.results import Results


@dataclass(frozen=True, slots=True)
class Need:
    """What a fit must show before it is called usable; shares are 0..1."""

    parrots_kept: float = 0.9
    species_right: float = 0.85
    birds_through: float = 0.1
    others_through: float = 0.05
    others: int = 30  # photos of other birds, and without birds: fewer say nothing of the gate
    of_a_species: int = 8  # photos; 16 from three sources are good


def sentence(results: Results, need: Need) -> str:
    """`usable: ...` or `not usable yet: needs ...`, from the cross-validated answers."""
    shares = {
        (part, name): figure["rate"]
        for part, figures in results.figures().items()
        if isinstance(figures, dict)
        for name, figure in figures.items()
        if isinstance(figure, dict)
    }
    kept, right = shares["gate", "parrots_kept"], shares.get(("species", "top1"))
    birds = shares.get(("gate", "other_birds_let_through"))
    others = shares.get(("gate", "negatives_let_through"))
    groups = Counter(photo.group for photo in results.photos)
    counts = Counter(results.species[number] for number in results.target[results.known])
    few = [f"{name} ({count})" for name, count in counts.items() if count < need.of_a_species]
    wanted = [
        _others("other birds", groups[Group.OTHER_BIRDS], birds, need.birds_through, need),
        _others(
            "pictures without birds", groups[Group.NEGATIVES], others, need.others_through, need
        ),
        "more photos of parrots" if kept < need.parrots_kept else "",
        f"more photos of {', '.join(few)}" if few else "",
        "more photos of each species"
        if right is not None and right < need.species_right and not few
        else "",
    ]
    told = [
        f"keeps {kept * 100:.0f} of 100 parrots",
        f"names {right * 100:.0f} of 100 right" if right is not None else "",
        f"takes {birds * 100:.0f} of 100 other birds for parrots" if birds is not None else "",
    ]
    measured, needs = _and(told), _and(wanted)
    return (
        f"not usable yet: needs {needs}; so far it {measured}" if needs else f"usable: {measured}"
    )


def _and(parts: list[str]) -> str:
    *others, last = [part for part in parts if part] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _others(name: str, photos: int, through: float | None, most: float, need: Need) -> str:
    if photos < need.others:
        return f"more {name} ({photos}; {need.others} are a start)"
    return f"more {name}" if (through or 0) > most else ""
