"""From labelled photos to a bundle folder with its model card: what `fit` does."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from models.data import dataset, labelled_photos, species_table
from models.data.dataset import Dataset, Progress
from models.data.features import Extractor
from models.data.labelled_photos import BadDataset, LabelledPhoto
from models.data.samples import PER_PHOTO, Views
from models.training import bundle
from models.training.acceptance import Acceptance
from models.training.calibration import FitPolicy
from models.training.fine_tuning import FineTuner, FineTuningOrder
from models.training.heads import cross_fitted, fit_heads
from models.training.judging import Fitted, Trained, judge
from models.training.tuner import device
from parrot.model.species import SpeciesTable, Taxonomy

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to fit, on which photos, and where to write it."""

    photos: list[Path]
    species_csv: Path
    version: str  # of the bundle
    model_version: str  # of the served model: increase it to keep one that is published
    out: Path
    policy: FitPolicy
    fine_tuning: FineTuningOrder | None = None
    samples: int = PER_PHOTO  # of each photo: as it is, then under stress


def fit(order: Order, extractor: Extractor, *, progress: Progress, step: Step) -> Fitted:
    """Read the photos' looks, train heads, judge them, fine-tune if asked to, write the bundle.

    Heads are trained on everything and, to be judged, without each fold and each source. What
    passes from step to step is the Dataset, what was Trained on it, and what is Fitted: judged and
    ready to be written. Raises BadDataset, BadBundle, InvalidImage.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # enough steps for a head
        data = read_looks(order, extractor, progress, step)
        trained = train(data, order.policy, step)
        fitted = judge(data, trained)
        if order.fine_tuning is not None:
            tuner = FineTuner(order.fine_tuning, data, extractor, order.policy, progress)
            fitted = fine_tuned(tuner, fitted, step)
        bundle.write(order, data, fitted)
    return fitted


def read_looks(order: Order, extractor: Extractor, progress: Progress, step: Step) -> Dataset:
    """The photos with the features of each look at them. Fails before minutes of extraction."""
    table = SpeciesTable.parse(species_table.read(order.species_csv))
    species = [row.id for row in table.rows]
    photos = [photo for folder in order.photos for photo in labelled_photos.read(folder, step)]
    taxonomy = Taxonomy.parse(species_table.taxonomy_for(table))
    require_enough(photos, species)
    if unused := species_table.of_no_class(photos, species):
        step(unused)
    extractor = replace(extractor, keep_maps=order.fine_tuning is not None)
    return dataset.load(
        photos,
        species,
        taxonomy,
        extractor,
        seed=order.policy.seed,
        served=order.policy.served,
        count=order.samples,
        progress=progress,
    )


def require_enough(photos: Sequence[LabelledPhoto], species: Sequence[str]) -> None:
    """Some parrots, every species, and something else. Raises BadDataset with all that is missing.

    A label that is no class is named too: it may be a misspelt one.
    """
    present = {photo.species(species) for photo in photos}
    missing = [name for name in species if name not in present]
    parrots = sum(photo.is_parrot for photo in photos)
    few = f"{dataset.FEWEST} photos of parrots (there are {parrots})"
    wanted = [
        f"photos of {', '.join(missing)}" if missing else "",
        few if parrots < dataset.FEWEST else "",
        "photos without parrots: the gate needs both" if parrots == len(photos) else "",
    ]
    if any(wanted):
        unused = species_table.of_no_class(photos, species) if missing else ""
        told = [*(f"missing: {line}" for line in wanted if line), unused]
        raise BadDataset("\n".join(filter(None, told)))


def train(data: Dataset, policy: FitPolicy, step: Step) -> Trained:
    """Heads on the published backbone."""
    step("gate and names, sources left out")
    logits = cross_fitted(data)
    step("refit on everything")
    first_looks = data.features[:, 0, Views.WHOLE]
    return Trained(policy, fit_heads(data, data.everything), first_looks, logits)


def fine_tuned(tuner: FineTuner, frozen: Fitted, step: Step) -> Fitted:
    """The frozen model or the fine-tuned one, with the figures of both."""
    step(f"fine-tuning on {device()}, sources left out and on everything")
    logits, tail, heads = tuner.run()
    trained = Trained(tuner.policy, heads, tuner.first_looks(tail), logits, tail)
    tuned = judge(tuner.data, trained)
    acceptance = Acceptance(frozen.judged.figures(), tuned.judged.figures(), tuner.order)
    return replace(tuned if acceptance.accepted else frozen, fine_tuning=acceptance)
