"""From what people saved to a candidate bundle: what `retrain` does."""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from models.data import fingerprints, labelled_photos, saved_photos
from models.data.dataset import Dataset, Progress
from models.data.export_folder import LocalFolder
from models.data.features import Extractor
from models.data.labelled_photos import BadDataset, LabelledPhoto
from models.data.samples import JUDGED, PER_PHOTO
from models.data.saved_photos import Exported
from models.evaluation import comparison, evaluator
from models.evaluation.comparison import ComparisonTable
from models.publishing import releases
from models.publishing.release_store import ReleaseStore
from models.publishing.releases import Refused, Release, Signer
from models.training import candidate
from models.training.acceptance import RETRAINING_GUARDS, GuardedFigure, guarded
from models.training.candidate import Base
from models.training.heads import LinearHeads, drawn_heads
from parrot.adapters.bucket import FolderFiles
from parrot.consent import Training
from parrot.model.manifest import SPECIES
from parrot.store import ObservationStore, PhotoStore

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Least:
    """Photos, and people who took them, below which nothing is learned or judged."""

    photos: int = 50
    exam: int = 30
    people: int = 3  # of either


@dataclass(frozen=True, slots=True)
class Order:
    """What to retrain, and what the candidate is called."""

    bundle: Path  # folder of the one in use
    version: str
    model_version: str  # of the served model: another one than every published bundle's
    work: Path  # `photos/` has the export, `bundle/` will have the candidate
    add: tuple[str, ...] = ()  # ids of kinds that become classes
    training: Training = Training.ASK  # the deployment's
    least: Least = Least()
    signer: Signer | None = None

    @property
    def photos(self) -> Path:
        """Folder of the export."""
        return self.work / "photos"


@dataclass(frozen=True, slots=True)
class Retrained:
    """The candidate, and how it did where the bundle in use was judged too."""

    order: Order
    exported: Exported
    people: int  # whose photos trained
    examiners: int  # people whose photos judged
    kept: tuple[str, ...]  # heads that stay as they were
    tables: Sequence[ComparisonTable]  # in use -> candidate
    guarded: Sequence[GuardedFigure]
    release: Release | None = None  # None: not published

    @property
    def folder(self) -> Path:
        """Of the candidate."""
        return self.order.work / "bundle"

    @property
    def worse(self) -> list[str]:
        """Names of the guarded figures that got worse."""
        return [figure.name for figure in self.guarded if figure.worse]

    @property
    def accepted(self) -> bool:
        """Whether it may be published; never where nothing was compared."""
        return bool(self.guarded) and not self.worse


def retrain(  # noqa: PLR0913 - who takes part
    order: Order,
    store: ObservationStore,
    photos: PhotoStore,
    extractor: Extractor,
    published: ReleaseStore,
    *,
    progress: Progress,
    step: Step,
) -> Retrained:
    """Export, refit, judge old and new on the same exam, publish what is nowhere worse.

    Whoever takes photos back meanwhile is out: it begins again without them, so nobody can hold it
    up twice. Interrupted at any point, the same call goes on. Raises BadDataset where there is too
    little to learn from or to judge by, BadBundle, Refused, StoreUnavailable.
    """
    base = Base.read(order.bundle, order.add)
    extractor = extractor.of_bundle(FolderFiles(order.bundle), base.bundle.manifest)
    gone: set[str] = set()
    while True:
        step("what people saved")
        exported = saved_photos.export(
            *(store, photos, base.files[SPECIES], LocalFolder(order.photos)),
            training=order.training,
            without=gone,
        )
        try:
            lesson, exam = _read(order, base, exported, extractor, progress)
        except BadDataset:  # too few are left
            extractor.keep([])
            raise
        extractor.keep([*lesson.flat_samples, *exam.flat_samples])
        done = _learn(order, base, lesson, exam, exported, step)
        if not done.accepted:
            return done
        back = saved_photos.note(store, exported.learners, order.version)
        if not back:
            break
        gone |= back
        step(f"{len(back)} people took photos back meanwhile: again without them")
    release, _ = releases.publish(FolderFiles(done.folder), published, order.signer, noted=True)
    return replace(done, release=release)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work in this folder with no other run beside: each would publish what the other left there.

    Raises Refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(f"another run works in {folder}: wait for it, or name another") from error
        yield


def _read(
    order: Order, base: Base, exported: Exported, extractor: Extractor, progress: Progress
) -> tuple[Dataset, Dataset]:
    """The photos to learn from, and those of the exam. Raises BadDataset."""
    least, count = order.least, len(exported.learners)
    if count < least.photos:
        raise BadDataset(
            f"too little to learn from: {count} saved photos may train, {least.photos} are needed"
        )
    if exported.exam < least.exam:
        raise BadDataset(
            f"too little to judge by: {exported.exam} photos of the people who are kept for the"
            f" exam (every fifth), {least.exam} are needed"
        )
    parts = []
    for name, samples in ((saved_photos.INDEX, PER_PHOTO), (saved_photos.EXAM, JUDGED)):
        labelled = labelled_photos.read(order.photos / name)
        if (people := _people(labelled)) < least.people:
            raise BadDataset(f"{name} has photos of {people} people, {least.people} are needed")
        parts.append(base.data(labelled, extractor, samples, progress))
    return parts[0], parts[1]


def _learn(  # noqa: PLR0913, PLR0917 - what a candidate is made of
    order: Order, base: Base, lesson: Dataset, exam: Dataset, exported: Exported, step: Step
) -> Retrained:
    step("heads, drawn to those in use")
    start = base.start()
    heads = drawn_heads(lesson, start, new=base.new)
    if exam.parrot.all() or not exam.parrot.any():  # nobody could tell whether it got worse
        heads = replace(heads, gate=start.gate)
    new = candidate.bundle(base, heads, order.version, order.model_version)
    step("the exam")
    judged = [evaluator.judge(one, exam) for one in (base.bundle, new)]
    before, after = (one.figures() for one in judged)
    done = Retrained(
        order,
        exported,
        _people(lesson.photos),
        _people(exam.photos),
        _kept(start, heads),
        comparison.compare(*judged)[:2],
        guarded(before, after, RETRAINING_GUARDS),
    )
    files = fingerprints.digests(lesson.photos)
    told = {"done": done, "lesson": lesson, "exam": exam}
    metrics = {releases.RETRAINED: {"before": before, "after": after}}
    candidate.write(base, new, heads, files, done.folder, told=told, metrics=metrics)
    return done


def _people(photos: Sequence[LabelledPhoto]) -> int:
    return len({photo.cluster for photo in photos})


def _kept(start: LinearHeads, heads: LinearHeads) -> tuple[str, ...]:
    """Names of the heads that nothing moved."""
    names = (part.name for part in fields(heads))
    return tuple(name for name in names if getattr(start, name) is getattr(heads, name))
