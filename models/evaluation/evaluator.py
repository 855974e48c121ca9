"""How bundles that were built here judge labelled photos."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from models.data import dataset, labelled_photos
from models.data.dataset import Dataset, Progress
from models.data.features import Extractor
from models.data.samples import JUDGED
from models.evaluation import answers, reasons
from models.evaluation.results import Judged
from models.network.weights import HEAD_FILE
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle
from parrot.model.decision import Vocabulary, score
from parrot.model.species import Taxonomy


def evaluate(  # noqa: PLR0913 - what is judged, by what, and how it is told
    bundle_folders: Sequence[Path],
    where: list[Path],
    extractor: Extractor,
    *,
    progress: Progress,
    say: Callable[[str], None] = lambda _text: None,
    samples: int = JUDGED,
) -> list[Judged]:
    """Judge photos by each bundle, as they are and under stress; one sample has no stress.

    Raises BadBundle, BadDataset, InvalidImage; ValueError if the bundles' species differ.
    """
    bundles = [_usable(folder) for folder in bundle_folders]
    species = [row.id for row in bundles[0][0].species.rows]
    for folder, (bundle, _) in zip(bundle_folders, bundles, strict=True):
        if [row.id for row in bundle.species.rows] != species:
            first = bundle_folders[0]
            raise ValueError(f"{folder} has other species than {first}: evaluate each by itself")
    labelled = [photo for folder in where for photo in labelled_photos.read(folder, say)]
    judged = []
    for folder, (bundle, taxonomy) in zip(bundle_folders, bundles, strict=True):
        own = extractor.of_bundle(FolderFiles(folder), bundle.manifest)
        data = dataset.load(labelled, species, taxonomy, own, count=samples, progress=progress)
        judged.append(judge(bundle, data))
    return judged


def _usable(folder: Path) -> tuple[Bundle, Taxonomy]:
    bundle = Bundle.load(FolderFiles(folder), sha256=None)
    if HEAD_FILE not in bundle.manifest.files:
        raise BadBundle(f"{folder} has no {HEAD_FILE}: its models were built elsewhere")
    if bundle.naming is None or bundle.taxonomy is None:
        raise BadBundle(f"{folder} names no groups: it is of an older kind, fit it again")
    return bundle, bundle.taxonomy


def judge(bundle: Bundle, data: Dataset) -> Judged:
    """What a bundle with naming answers for each sample.

    Species of the data that it does not have come after its own, and it never names them.
    """
    policy = bundle.manifest.rules.naming
    if policy is None or bundle.naming is None or bundle.taxonomy is None:
        raise BadBundle("a bundle that names no groups")
    own = [row.id for row in bundle.species.rows]
    names = Vocabulary(own, bundle.naming.group_ids, bundle.taxonomy, policy.sure)
    rules, samples = bundle.manifest.rules, range(data.features.shape[1])
    answered = [
        answers.answer(partial(score, bundle), data.features[:, sample], rules)
        for sample in samples
    ]
    judged = answers.judged(answered, data, data.signs, names, policy.coverage)
    if rules.reasons is None:
        return judged
    return Judged(
        *(reasons.explained(rows, rules.reasons) for rows in (judged.clean, judged.stressed))
    )
