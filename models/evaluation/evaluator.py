"""How a bundle that was built here judges labelled photos."""

from collections.abc import Callable
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


def evaluate(  # noqa: PLR0913 - what is judged, by what, and how it is told
    bundle_folder: Path,
    where: list[Path],
    extractor: Extractor,
    *,
    progress: Progress,
    say: Callable[[str], None] = lambda _text: None,
    samples: int = JUDGED,
) -> Judged:
    """Judge photos, as they are and under stress, as a function would; one sample has no stress.

    Raises BadBundle, BadDataset, InvalidImage.
    """
    files = FolderFiles(bundle_folder)
    bundle = Bundle.load(files, sha256=None)
    if HEAD_FILE not in bundle.manifest.files:
        raise BadBundle(f"{bundle_folder} has no {HEAD_FILE}: its models were built elsewhere")
    if bundle.naming is None or bundle.taxonomy is None:
        raise BadBundle(f"{bundle_folder} names no groups: it is of an older kind, fit it again")
    extractor = extractor.of_bundle(files, bundle.manifest)
    labelled = [photo for folder in where for photo in labelled_photos.read(folder, say)]
    species = [row.id for row in bundle.species.rows]
    data = dataset.load(
        labelled, species, bundle.taxonomy, extractor, count=samples, progress=progress
    )
    return judge(bundle, data)


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
