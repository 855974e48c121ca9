"""From labelled photos to a bundle folder with its model card: what `fit` does."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data import dataset, fingerprints, labelled_photos
from models.data.labelled_photos import TAXONOMY_CSV
from models.evaluation import reasons
from models.network.classifier import INPUT, NAME
from models.network.head import HEAD_FILE
from models.network.tail import TAIL_FILE
from models.publishing import bundle_folder
from models.training import card
from models.training.fine_tuning import Plan
from models.training.fitting import fit
from models.training.heads import FEWEST
from models.training.tuner import Recipe
from parrot.model.manifest import NAMING, TAXONOMY
from parrot.model.served_model import ServedModel
from parrot.model.species import SpeciesTable, Taxonomy
from parrot.records import Rank

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.data.features import Extractor
    from models.data.labelled_photos import LabelledPhoto
    from models.training.fine_tuning import Progress
    from models.training.fitting import Fitted
    from models.training.policy import Policy


@dataclass(frozen=True, slots=True)
class Order:
    """What to fit, on which photos, and where to write it."""

    photos: list[Path]
    species_csv: Path
    version: str  # of the bundle
    model_version: str  # of the served model: increase it to keep one that is published
    out: Path
    policy: Policy
    fine_tuning: FineTuningOrder | None = None


@dataclass(frozen=True, slots=True)
class FineTuningOrder:
    """How to fine-tune, and where its state is kept."""

    checkpoints: Path
    recipe: Recipe = field(default_factory=Recipe)
    folds: int = 3


def train(
    order: Order,
    extractor: Extractor,
    *,
    progress: Progress,
    step: Callable[[str], None],
) -> Fitted:
    """Extract, fit, write the bundle. Raises BadDataset, BadBundle, InvalidImage."""
    species_csv = order.species_csv.read_bytes()
    table = SpeciesTable.parse(species_csv)
    species = [row.id for row in table.rows]
    labelled = [photo for folder in order.photos for photo in labelled_photos.read(folder)]
    _check(labelled, species)
    taxonomy_csv = taxonomy_for(table)
    taxonomy = Taxonomy.parse(taxonomy_csv)
    require_group(labelled, taxonomy)
    _tell_unused(labelled, species, step)
    plan = _plan(order.fine_tuning, extractor, progress)
    keeper = extractor if plan is None else plan.extractor
    data = dataset.load(labelled, species, keeper, seed=order.policy.seed, progress=progress)
    fitted = fit(data, taxonomy, order.policy, plan=plan, step=step)
    calibration = fitted.calibration
    # The surest parrot, the surest non-parrot, and the most doubtful photo.
    plain = fitted.first_looks
    ranked = np.argsort(fitted.gate.parrot(plain))
    doubtful = np.abs(fitted.judged.clean.parrot - calibration.threshold).argmin()
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
                    focus="focus",
                ),
            ),
            gate=fitted.gate,
            rules=replace(calibration.rules, reasons=fitted.reasons),
            species_csv=species_csv,
            references=plain[[ranked[-1], ranked[0], doubtful]],
            extra={
                HEAD_FILE: fitted.head.dump(),
                NAMING: fitted.naming.dump(),
                fingerprints.TRAINED_ON: fingerprints.dump(fingerprints.digests(labelled)),
                TAXONOMY: taxonomy_csv,
                card.NAME: card.write(order.version, order.policy, fitted).encode(),
                **({} if fitted.tail is None else {TAIL_FILE: fitted.tail.dump()}),
            },
            metrics=_metrics(fitted),
        ),
        order.out,
    )
    return fitted


def _plan(order: FineTuningOrder | None, extractor: Extractor, progress: Progress) -> Plan | None:
    if order is None:
        return None
    keeper = replace(extractor, keep_maps=True)
    return Plan(order.recipe, order.folds, order.checkpoints, keeper, progress)


def taxonomy_for(table: SpeciesTable) -> bytes:
    """`taxonomy.csv`, and the table's own species that it does not have."""
    data = TAXONOMY_CSV.read_bytes()
    known = Taxonomy.parse(data).taxa
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    for row in table.rows:
        if row.id not in known:
            kin = labelled_photos.taxa_by_label().get(row.id, "")
            names = (row.scientific_name, row.english, row.korean)
            lines.writerow((row.id, Rank.SPECIES.value, kin, *names, "", row.cites, ""))
    return data + out.getvalue().encode()


def _tell_unused(
    labelled: Sequence[LabelledPhoto], species: Sequence[str], step: Callable[[str], None]
) -> None:
    """Labels that are no class: a typing mistake shows here."""
    unused = Counter(
        photo.label for photo in labelled if photo.is_parrot and photo.species(species) is None
    )
    if unused:
        counted = ", ".join(f"{label} {count}" for label, count in unused.most_common())
        step(f"parrots of no class in species.csv (photos): {counted}")


def _metrics(fitted: Fitted) -> dict[str, Any]:
    return {
        "cross_validation": fitted.judged.clean.figures(),
        "stressed": fitted.judged.stressed.figures(),
        **({"new_sources": fitted.new_sources.clean.figures()} if fitted.new_sources else {}),
        "together": fitted.together.metrics(),
        "gates": [asdict(candidate) for candidate in fitted.candidates],
        **({} if fitted.comparison is None else {"fine_tuning": fitted.comparison.metrics()}),
        "reasons": {
            "as they are": reasons.figures(fitted.judged.clean),
            "stressed": reasons.figures(fitted.judged.stressed),
        },
    }


def require_group(labelled: Sequence[LabelledPhoto], taxonomy: Taxonomy) -> None:
    """Some group of parrots must have enough photos to be learned. Raises BadDataset."""
    found = [taxonomy.above(photo.taxon, Rank.GROUP) for photo in labelled if photo.taxon]
    counts = Counter(group.id for group in found if group is not None)
    if max(counts.values(), default=0) < FEWEST:
        raise labelled_photos.BadDataset(
            f"no group of parrots has {FEWEST} photos: add photos, or name the folders after"
            f" species of {TAXONOMY_CSV.name}"
        )


def _check(labelled: Sequence[LabelledPhoto], species: Sequence[str]) -> None:
    """Fail before minutes of extraction rather than after. Raises BadDataset."""
    present = {photo.species(species) for photo in labelled}
    missing = [name for name in species if name not in present]
    if missing:
        raise labelled_photos.BadDataset(f"no photos of {', '.join(missing)}")
    if all(photo.is_parrot for photo in labelled):
        raise labelled_photos.BadDataset(
            "there are only photos of parrots: the gate needs others too"
        )
