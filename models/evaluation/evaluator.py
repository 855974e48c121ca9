"""How a bundle that was built here judges labelled photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.data import dataset, labelled_photos
from models.evaluation.results import Results
from models.network.head import HEAD_FILE, SpeciesHead
from parrot.adapters.bundle_files import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.data.features import Extractor


def evaluate(
    bundle_folder: Path,
    where: list[Path],
    extractor: Extractor,
    *,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Results:
    """Judge photos with the bundle's gate and head, as a function does.

    Raises BadBundle, BadDataset, InvalidImage.
    """
    bundle = Bundle.load(FolderFiles(bundle_folder), sha256=None)
    if HEAD_FILE not in bundle.manifest.files:
        raise BadBundle(f"{bundle_folder} has no {HEAD_FILE}: its models were built elsewhere")
    head = SpeciesHead.load((bundle_folder / HEAD_FILE).read_bytes())
    labelled = [photo for folder in where for photo in labelled_photos.read(folder)]
    species = [row.id for row in bundle.species.rows]
    data = dataset.load(labelled, species, extractor, training=False, progress=progress)
    logits = head.logits(data.plain)
    scores = bundle.gate.scores(data.plain.astype("float64"))
    conformal = bundle.manifest.conformal
    return Results(
        photos=labelled,
        species=species,
        target=data.target,
        coverage=conformal.coverage if conformal else 1.0,
        parrot=scores,
        is_parrot=scores >= bundle.manifest.threshold,
        probabilities=head.probabilities(data.plain).astype("float64"),
        sets=logits >= (conformal.cut if conformal else float("-inf")),
    )
