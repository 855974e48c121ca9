"""Retraining: what people saved becomes a candidate, and nothing else does."""

import csv
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.cli import app
from models.data import saved_photos
from models.data.export_folder import LocalFolder
from models.data.labelled_photos import BadDataset
from models.data.samples import PER_PHOTO
from models.folders import DEFAULT_BUNDLE
from models.network.weights import TAIL_FILE
from models.training.retraining import Least, Order, alone
from parrot.adapters.bucket import FolderFiles
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.model.bundle import Bundle
from parrot.observation import Opinion
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from tests.support.observations import NOW
from tests.support.photos import named
from tests.support.processing import Killed, MemoryPhotos, Steps, die
from tests.support.retraining import Deployment, Run

pytestmark = pytest.mark.timeout(900)  # some retrain three times, on features of their own
KINDS = {
    "galah": "eolophus-roseicapilla",
    "sun-conure": "aratinga-solstitialis",
    "cockatiel": "nymphicus-hollandicus",
}
PEOPLE = [f"user-{number}" for number in range(20)]
LEARNERS = [uid for uid in PEOPLE if not saved_photos.examines(uid)][:3]
EXAMINERS = [uid for uid in PEOPLE if saved_photos.examines(uid)][:2]


@pytest.fixture
def deployment(tmp_path: Path, photos: Path) -> Deployment:
    """Three people to learn from, two for the exam, with three kinds and food each."""
    made = Deployment(SqliteObservations(tmp_path / "o.db"), MemoryPhotos(), {})
    people = [*LEARNERS, *EXAMINERS]
    for label, species in KINDS.items():
        for number, path in enumerate(named(photos / "parrots" / label, 5)):
            made.save(people[number % len(people)], path, species)
    for number, path in enumerate(named(photos / "negatives" / "food", 5)):
        made.save(people[number % len(people)], path, NOT_A_PARROT.id)
    return made


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the photos that all tests look at, from whichever test is the first."""
    return tmp_path_factory.mktemp("features") / "features.sqlite"


@pytest.fixture
def cache(tmp_path: Path, features: Path) -> Iterator[Path]:
    """A copy of them, since each run forgets those that it does not need."""
    own = tmp_path / "features.sqlite"
    if features.exists():
        shutil.copy2(features, own)
    yield own
    if own.exists() and not features.exists():
        shutil.copy2(own, features)


@pytest.fixture
def run(deployment: Deployment, tmp_path: Path, cache: Path) -> Run:
    order = Order(DEFAULT_BUNDLE, "next", "99", tmp_path / "work", least=Least(8, 8, 2))
    return Run(deployment, tmp_path, cache, order)


def test_killed_at_any_point_it_goes_on_to_one_candidate(run: Run) -> None:
    """Export, notes and publishing are each interrupted; the exam's people never train."""
    total = Steps()
    done = run(total)
    assert done.accepted, done.worse
    assert run.published() == ["next"]
    manifest = (run.folder / "published" / "bundles" / "next" / "manifest.json").read_bytes()
    for name in ("open", "replace", "write"):
        run.folder = run.folder / name  # nothing is published here, or copied
        run.order = replace(run.order, work=run.folder / "work")
        (run.folder / "published").mkdir(parents=True)
        with pytest.raises(Killed):
            run(Steps(total.names.index(name) + 2, die))
        run()
        assert run.published() == ["next"]
        again = run.folder / "published" / "bundles" / "next" / "manifest.json"
        assert again.read_bytes() == manifest
    assert {noted for uid in LEARNERS for noted in run.learnt(uid)} == {("next",)}
    assert {noted for uid in EXAMINERS for noted in run.learnt(uid)} == {()}
    card = (done.folder / "MODEL_CARD.md").read_text()
    assert "12 saved photos of 3 people" in card
    assert "8 photos of 2 people" in card


def test_a_retrained_bundle_is_retrained_from_where_it_was_fitted(run: Run) -> None:
    """No photo counts twice, and what is taken back leaves no trace in the next one.

    Nor in the features, which describe the photo: even if too few are left to learn from.
    """

    def known() -> int:
        with closing(sqlite3.connect(run.cache)) as db:
            (count,) = db.execute("SELECT count(*) FROM features").fetchone()
            return int(count)

    first = run()
    features, uid = known(), LEARNERS[0]
    gone, *_ = run.deployment.saved[uid]
    run.order = replace(run.order, bundle=first.folder, version="same", work=run.folder / "same")
    same = run()
    heads = ("gate.npz", "naming.npz", "head.npz")
    for name in (*heads, *(f"fitted-{head}" for head in heads), TAIL_FILE):
        assert (same.folder / name).read_bytes() == (first.folder / name).read_bytes()
    current = run.deployment.store.get(uid, gone.id)
    assert current is not None
    assert run.deployment.store.remove(current)
    run.order = replace(
        run.order,
        bundle=same.folder,
        version="less",
        model_version="100",
        work=run.folder / "less",
    )
    less = run()
    sizes = [len((done.folder / "trained_on.bin").read_bytes()) for done in (first, less)]
    assert sizes[0] - sizes[1] == 4
    assert known() == features - PER_PHOTO
    run.order = replace(run.order, least=Least(photos=12))
    with pytest.raises(BadDataset):
        run()
    assert known() == 0


def test_who_takes_photos_back_while_it_runs_has_taught_no_candidate(run: Run) -> None:
    """Their receipt says that nothing learnt from them, so nothing may be published that did."""
    store, uid = run.deployment.store, LEARNERS[0]
    steps: list[str] = []

    def step(text: str) -> None:
        steps.append(text)
        if steps.count("the exam") == 1 and text == "the exam":
            observation = store.get(uid, run.deployment.saved[uid][0].id)
            assert observation is not None
            store.remove(observation)

    done = run(step=step)
    assert steps.count("the exam") == 2
    assert {row.uid for row in done.exported.learners} == set(LEARNERS[1:])
    assert "8 saved photos of 2 people" in (done.folder / "MODEL_CARD.md").read_text()
    assert run.published() == ["next"]


def test_nobody_holds_it_up_by_taking_photos_back_again_and_again(run: Run) -> None:
    """A person may change their mind a thousand times a day: a job of three hours never ended."""
    store, uid = run.deployment.store, LEARNERS[0]
    steps: list[str] = []

    def step(text: str) -> None:
        steps.append(text)
        if text == "the exam":
            stored = store.get(uid, run.deployment.saved[uid][steps.count(text)].id)
            assert stored is not None
            again = Consent(given=True, at=NOW + timedelta(minutes=len(steps)))
            store.replace(replace(stored, consent=again))
            assert steps.count(text) < 5

    run(step=step)
    assert steps.count("the exam") == 2
    assert run.published() == ["next"]


def test_two_do_not_work_in_one_folder(tmp_path: Path) -> None:
    """The second one's candidate, which its exam may refuse, was published under the first's."""
    SqliteObservations(tmp_path / "o.db")
    asked = ["retrain", f"sqlite:{tmp_path}/o.db", "bucket", "--to", str(tmp_path / "published")]
    asked += ["--work", str(tmp_path / "work")]
    with alone(tmp_path / "work"):
        refused = CliRunner().invoke(app, asked)
    assert (refused.exit_code, "another run works in" in refused.stderr) == (1, True)
    again = CliRunner().invoke(app, asked)
    assert "another run" not in again.stderr


def test_what_the_exam_shows_to_be_worse_is_not_published(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reviewers may be wrong about the photos to learn from; the exam's people are others."""
    monkeypatch.setattr("models.training.heads._DRAWN_NAMES", 1.0)  # a dozen photos suffice
    wrong = dict(zip(KINDS.values(), [*list(KINDS.values())[1:], NOT_A_PARROT.id], strict=True))
    store = run.deployment.store
    for uid in LEARNERS:
        for saved in run.deployment.saved[uid]:
            label = saved.labels[-1]
            false = wrong.get(label.species, label.species)
            opinions = (Opinion("reviewer", false, NOW), Opinion("another", false, NOW))
            assert store.replace(replace(saved, opinions=opinions)) is not None
    done = run()
    assert not done.accepted
    assert "species right, as they are" in done.worse
    assert done.release is None
    assert not run.published()
    assert {noted for uid in LEARNERS for noted in run.learnt(uid)} == {()}
    by_hand = ["publish", f"--bundle={done.folder}", f"--to={run.folder / 'published'}"]
    refused = CliRunner().invoke(app, by_hand)
    assert (refused.exit_code, "no receipt would name it" in refused.stderr) == (1, True)
    assert not run.published()
    assert CliRunner().invoke(app, [*by_hand, "--noted"]).exit_code == 0, "its people are noted"


def test_too_little_is_said_in_one_sentence(run: Run) -> None:
    """Nothing can be learned from a handful of photos, or judged by them."""
    run.cache = run.folder / "features.sqlite"  # of which nothing will be left
    run.order = replace(run.order, least=Least(photos=13))
    with pytest.raises(BadDataset, match="too little to learn from: 12 saved photos"):
        run()
    run.order = replace(run.order, least=Least(photos=10, exam=9))
    with pytest.raises(BadDataset, match="too little to judge by: 8 photos"):
        run()
    assert not run.published()


def test_what_people_call_another_parrot_is_counted_and_becomes_a_class(
    run: Run, photos: Path
) -> None:
    """By one option; the old classes stay where phones know them."""
    for number, path in enumerate(named(photos / "parrots" / "eastern-rosella", 5)):
        uid = [*LEARNERS, EXAMINERS[0]][number % 4]
        run.deployment.save(uid, path, OTHER_PARROT.id, "Eastern Rosella")
    run.order = replace(run.order, add=("eastern-rosella",))
    done = run()
    assert not done.exported.wanted
    candidate = Bundle.load(FolderFiles(done.folder), sha256=None)
    before = Bundle.load(FolderFiles(DEFAULT_BUNDLE), sha256=None)
    assert candidate.species.rows[:-1] == before.species.rows
    assert candidate.species.rows[-1].id == "eastern-rosella"
    assert candidate.manifest.served_classes == before.manifest.served_classes
    with (done.order.work / "photos" / saved_photos.INDEX).open(newline="") as file:
        labels = [line["label"] for line in csv.DictReader(file)]
    assert labels.count("eastern-rosella") == 4
    plain = saved_photos.export(
        run.deployment.store,
        run.deployment.photos,
        (DEFAULT_BUNDLE / "species.csv").read_bytes(),
        LocalFolder(run.folder / "plain"),
    )
    assert list(map(str, plain.wanted)) == [
        "eastern rosella: 4 settled photos of 3 people, too few: 16 of 3 are needed"
    ]
