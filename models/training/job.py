"""From labelled photos to a bundle folder with its model card: what `fit` does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.data import dataset, labelled_photos
from models.network.classifier import INPUT, NAME
from models.network.head import HEAD_FILE
from models.publishing import bundle_folder
from models.training import card
from models.training.fitting import fit
from parrot.model.served_model import ServedModel
from parrot.model.species import SpeciesTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.data.features import Extractor
    from models.data.labelled_photos import LabelledPhoto
    from models.training.fitting import Fitted, Policy


@dataclass(frozen=True, slots=True)
class Order:
    """What to fit, on which photos, and where to write it."""

    photos: list[Path]
    species_csv: Path
    version: str  # of the bundle
    model_version: str  # of the served model: increase it to keep one that is published
    out: Path
    policy: Policy


def train(
    order: Order,
    extractor: Extractor,
    *,
    progress: Callable[[str, int], Callable[[int], None]],
    step: Callable[[str], None],
) -> Fitted:
    """Extract, fit, write the bundle. Raises BadDataset, BadBundle, InvalidImage."""
    species_csv = order.species_csv.read_bytes()
    species = [row.id for row in SpeciesTable.parse(species_csv).rows]
    labelled = [photo for folder in order.photos for photo in labelled_photos.read(folder)]
    _check(labelled, species)
    data = dataset.load(labelled, species, extractor, progress=progress)
    fitted = fit(data, order.policy, step=step)
    # The surest parrot, the surest non-parrot, and the most doubtful photo.
    ranked = np.argsort(fitted.gate.scores(data.plain.astype(np.float64)))
    doubtful = np.abs(fitted.results.parrot - fitted.threshold).argmin()
    bundle_folder.write(
        bundle_folder.Draft(
            version=order.version,
            models=(
                ServedModel(
                    NAME,
                    order.model_version,
                    "serving_default",
                    INPUT,
                    features="features",
                    probabilities="probabilities",
                    logits="logits",
                ),
            ),
            gate=fitted.gate,
            threshold=fitted.threshold,
            conformal=fitted.conformal,
            species_csv=species_csv,
            references=data.plain[[ranked[-1], ranked[0], doubtful]],
            extra={
                HEAD_FILE: fitted.head.dump(),
                card.NAME: card.write(order.version, order.policy, fitted).encode(),
            },
            metrics={
                "cross_validation": fitted.results.figures(),
                "new_sources": fitted.new_sources.figures(),
                "gates": [asdict(candidate) for candidate in fitted.candidates],
            },
        ),
        order.out,
    )
    return fitted


def _check(labelled: Sequence[LabelledPhoto], species: Sequence[str]) -> None:
    """Fail before minutes of extraction rather than after. Raises BadDataset."""
    missing = [name for name in species if name not in {photo.species for photo in labelled}]
    if missing:
        raise labelled_photos.BadDataset(f"no photos of {', '.join(missing)}")
    if all(photo.is_parrot for photo in labelled):
        raise labelled_photos.BadDataset(
            "there are only photos of parrots: the gate needs others too"
        )
    if len({photo.source for photo in labelled}) < 2:  # noqa: PLR2004 - one to leave out, one to fit on
        raise labelled_photos.BadDataset(
            "all photos come from one source: there is none left to judge a new one by"
        )
