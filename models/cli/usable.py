"""Whether a fit can be used, in one sentence that a person understands, before all tables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.evaluation.results import Results

_LEAST = 30  # photos: a share of fewer says little
_LEAST_OF_A_SPECIES = 8  # 16 from three sources are good
# A figure, what it is at least or at most, what there should be more of if not, and its words.
_GOALS = (
    (("gate", "parrots_kept"), 0.9, True, "parrots", "keeps {} of 100 parrots"),
    (("species", "top1"), 0.85, True, "of each species", "names {} of 100 right"),
    (
        *(("gate", "other_birds_let_through"), 0.1, False, "other birds"),
        "takes {} of 100 other birds for parrots",
    ),
    (
        *(("gate", "negatives_let_through"), 0.05, False, "pictures without birds"),
        "takes {} of 100 other pictures for parrots",
    ),
)


def sentence(results: Results) -> str:
    """`usable: ...` or `not usable yet: needs ...`, from the cross-validated answers."""
    figures = results.figures()
    needs, told = [], []
    for (part, key), bound, least, what, words in _GOALS:
        figure = figures[part][key] or {"rate": bound, "n": 0}
        share, photos = figure["rate"], figure["n"]
        if photos < _LEAST or (share < bound if least else share > bound):
            needs.append(f"more {what} ({photos} photos)")
        if photos:
            told.append(words.format(round(share * 100)))
    counts = Counter(results.species[number] for number in results.target[results.known])
    needs += [
        f"more of {name} ({count} photos)"
        for name, count in counts.items()
        if count < _LEAST_OF_A_SPECIES
    ]
    if needs:
        return f"not usable yet: needs {', '.join(needs)}; so far it {', '.join(told)}"
    return f"usable: {', '.join(told)}"
