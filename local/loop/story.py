"""The learning loop from end to end: people save, reviewers decide, a candidate learns and is used.

Every step is the service's own, on the local stack; people and reviewers are simulated.
"""

import base64
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local import note, stack
from local.loop import people
from local.loop.people import App, Save, Split
from local.supervisor import PartFailed
from models.cli.console import FEATURE_CACHE, tenths
from models.cli.retraining import REFUSED
from models.data import labelled_photos, species_table, training_labels
from models.data.features import Extractor
from models.data.labelled_photos import TAXONOMY_CSV
from models.evaluation import comparison, evaluator
from models.evaluation.comparison import Difference
from models.training.calibration import FitPolicy
from models.training.fit import Order, fit
from parrot.adapters.sqlite import SqliteObservations
from parrot.model.species import SpeciesTable, Taxonomy
from parrot.observation import Observation
from parrot.receipt import verified
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from parrot.review import handle

Key = tuple[str, str]  # uid and id of an observation

CANDIDATE = "candidate"
_WORK = "retrain"  # the folder of `models retrain`
_REVIEWERS = ("reviewer-one", "reviewer-two")
_FEWEST = 8  # photos that make a kind one that the first bundle knows
_PHONES = 4  # that save at the same time
_MINUTE = 60
_PAGE, _START = 50, 10  # lines


@dataclass(frozen=True, slots=True)
class Cast:
    """How many take part; everything else follows from the photos and the seed."""

    people: int = 40
    hostile: int = 4
    saves: int = 600
    decisions: int = 80
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """The bundle in use, and who has which photos."""

    split: Split
    bundle: Path
    kinds: list[str]
    taxonomy: Taxonomy


@dataclass(slots=True)
class Told:
    """What happened."""

    seconds: dict[str, float] = field(default_factory=dict)  # by step
    saved: int = 0
    said_wrong: int = 0  # labels of people, hostile or mistaken
    decisions: int = 0
    trains: int = 0
    trains_wrong: int = 0
    printed: list[Path] = field(default_factory=list)  # by retrain, shadow and promote
    refused: bool = False  # whether the candidate was worse where nothing may get worse
    receipt: dict[str, Any] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)  # on photos of unseen people

    @contextmanager
    def step(self, name: str, say: Callable[[str], None]) -> Iterator[None]:
        """Say what begins, and note how long it takes."""
        say(name)
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun


def tell(photos: Path, folder: Path, cast: Cast, say: Callable[[str], None]) -> Told:
    """Everything; empties the folder. Raises PartFailed, BadDataset, BadBundle, InvalidImage."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told, data, extractor = Told(), folder / "data", Extractor(FEATURE_CACHE)
    with told.step("a bundle that never saw what people save", say):
        scene = stage(photos, folder, cast, extractor, say)
    said = saves(scene, cast)
    told.saved, told.said_wrong = len(said), sum(save.label != save.truth for save in said)
    bundle = scene.bundle
    with (
        stack.running(data, bundle=bundle, reviewers=_REVIEWERS, say=say) as running,
        note.noted(running, data, bundle),
    ):
        with told.step(f"{cast.people} people save {len(said)} photos", say):
            saved = save_all(running.url, said)
        with told.step(f"two reviewers decide {cast.decisions}", say):
            told.decisions = review(running.url, saved, cast.decisions)
        store = SqliteObservations(data / stack.OBSERVATIONS)
        told.trains, told.trains_wrong = errors(list(store.everything()), saved, scene.kinds)
        storage = running.urls[stack.STORAGE]
        for name, arguments in commands(data, folder, bundle).items():
            if name == "promote" and told.refused:
                continue
            with told.step(f"models {name}", say):
                text, code = command(storage, name, *arguments)
            told.printed.append(folder / f"{name}.txt")
            told.printed[-1].write_text(text, encoding="utf-8")
            told.refused = told.refused or code == REFUSED
        rows = sorted(store.everything(), key=lambda row: (CANDIDATE not in row.learnt_by, row.uid))
        with told.step("somebody leaves", say):
            told.receipt = leave(running.url, rows[0].uid)
    with told.step("people never seen judge both", say):
        unseen = folder / "unseen.csv"
        labelled_photos.write(scene.split.unseen, unseen)
        both = [bundle, folder / _WORK / "bundle"]
        judged = evaluator.evaluate(both, [unseen], extractor, progress=tenths(say), samples=1)
        told.differences = comparison.differences(*(one.clean for one in judged))
    return told


def stage(
    photos: Path,
    folder: Path,
    cast: Cast,
    extractor: Extractor,
    say: Callable[[str], None] = lambda _text: None,
) -> Stage:
    """Fit a bundle on what nobody saves: heads on the published backbone, photos as they are.

    The default bundle would know them all. Raises BadDataset, InvalidImage.
    """
    split = people.split(labelled_photos.read(photos), saves=cast.saves, seed=cast.seed)
    taxonomy = Taxonomy.parse(TAXONOMY_CSV.read_bytes())
    species, known = folder / "species.csv", folder / "known.csv"
    species.write_bytes(species_table.from_photos(split.known, taxonomy, fewest=_FEWEST))
    labelled_photos.write(split.known, known)
    bundle = folder / "first"
    order = Order([known], species, "first", "1", bundle, FitPolicy(), samples=1)
    fit(order, extractor, progress=tenths(say), step=say)
    kinds = [row.id for row in SpeciesTable.parse(species.read_bytes()).rows]
    return Stage(split, bundle, kinds, taxonomy)


def saves(stage: Stage, cast: Cast) -> list[Save]:
    """What everybody says; hostile people call every kind by another name."""
    names = [f"user-{number:02}" for number in range(1, cast.people + 1)]
    rng = random.Random(cast.seed)
    hostile = rng.sample(names, min(cast.hostile, len(names)))
    wrong = people.renamed(stage.kinds, stage.taxonomy)
    said = people.saves(
        stage.split.saved, stage.kinds, stage.taxonomy, dict.fromkeys(names, 1.0), seed=cast.seed
    )
    rng.shuffle(said)
    return [
        replace(save, label=wrong[save.truth]) if save.person in hostile else save for save in said
    ]


def save_all(url: str, saves: Sequence[Save]) -> dict[Key, Save]:
    """Everybody saves over HTTP; by uid and id, once everything is processed."""
    with ThreadPoolExecutor(_PHONES) as phones:
        ids = list(
            phones.map(lambda save: App(url, save.person).save(save.photo.path, save.label), saves)
        )
    for person in {save.person for save in saves}:
        App(url, person).processed()
    return {(save.person, name): save for save, name in zip(saves, ids, strict=True)}


def review(url: str, saved: Mapping[Key, Save], decisions: int) -> int:
    """Two reviewers in turn decide what they are shown first; how many decisions were wanted."""
    truth = {handle(*key): save.truth for key, save in saved.items()}
    for number in range(decisions):
        reviewer = App(url, _REVIEWERS[number % len(_REVIEWERS)])
        waiting = reviewer.ask("GET", "/reviews", params={"page_size": 1})["reviews"]
        if not waiting:
            return number
        name = waiting[0]["id"]
        reviewer.ask("POST", f"/reviews/{name}", json={"species": truth[name]})
    return decisions


def errors(
    rows: Sequence[Observation], saved: Mapping[Key, Save], kinds: Sequence[str]
) -> tuple[int, int]:
    """Photos that train, and how many of them under a wrong label."""
    labels = {*kinds, NOT_A_PARROT.id, OTHER_PARROT.id}
    said = [
        label == saved[row.uid, row.id].truth
        for row, label in training_labels.chosen(rows, labels)
        if not isinstance(label, training_labels.LeftOut)
    ]
    return len(said), said.count(False)


def commands(data: Path, folder: Path, bundle: Path) -> dict[str, list[str]]:
    """From what was saved to a bundle in use, as a person types it after `./dev.sh models`."""
    saved = [f"sqlite:{data / stack.OBSERVATIONS}", stack.BUCKET]
    bucket, work = f"gs://{stack.MODEL_BUCKET}", str(folder / _WORK)
    first = ["--bundle", str(bundle), "--version", CANDIDATE, "--work", work]
    return {
        "retrain": [*saved, "--to", bucket, *first],
        "shadow": [*saved, f"{work}/bundle"],
        "promote": [CANDIDATE, "--to", bucket],
    }


def command(storage: str, *arguments: str) -> tuple[str, int]:
    """What a command prints, and its exit code: 0, or that of a refusal. Raises PartFailed."""
    width = shutil.get_terminal_size().columns
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "models", *arguments],
        env={**os.environ, "STORAGE_EMULATOR_HOST": storage, "COLUMNS": str(width)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, REFUSED}:
        raise PartFailed(f"models {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout, done.returncode


def leave(url: str, person: str) -> dict[str, Any]:
    """Delete everything of a person; what their receipt says. Raises ValueError if it is forged."""
    app = App(url, person)
    key = base64.b64decode(app.ask("GET", "/me")["receipt_key"])
    return verified(app.leave(), key)


def show(told: Told, out: Console) -> None:
    """What the commands printed, of a long text the start and the sum, then the figures."""
    for path in told.printed:
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > _PAGE:
            lines = [*lines[:_START], f"... {len(lines)} lines: {path}", lines[-1]]
        out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    steps = Table("step", "minutes")
    for name, seconds in told.seconds.items():
        steps.add_row(name, f"{seconds / _MINUTE:.1f}")
    out.print(steps)
    figures = Table("people never seen", "photos", "before", "after", "difference, 95 %")
    for line in told.differences:
        figures.add_row(
            line.figure,
            str(line.photos),
            f"{line.before:.1%}",
            f"{line.after:.1%}",
            f"{line.low * 100:+.1f}..{line.high * 100:+.1f}",
        )
    out.print(figures)
    if told.refused:
        out.print("[red]The candidate was refused: nothing was promoted.")
    receipt = told.receipt
    out.print(
        f"{told.said_wrong / max(1, told.saved):.1%} of {told.saved} labels were wrong;"
        f" of {told.trains} that train, {told.trains_wrong / max(1, told.trains):.1%}"
        f" ({told.trains_wrong}), after {told.decisions} decisions.\n"
        f"{receipt['user']} left: {receipt['observations']} photos are gone; the signed receipt"
        f" names who had learnt from them: {', '.join(receipt['bundles']) or 'nobody'}.",
        highlight=False,
    )
