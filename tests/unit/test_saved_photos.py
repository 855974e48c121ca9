"""Which saved photos train, and what of them leaves."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from models.cli import stores
from models.data import saved_photos, training_labels
from models.data.saved_photos import Exported, export
from models.data.training_labels import LeftOut
from models.data.trust import by_person
from models.folders import DEFAULT_BUNDLE
from parrot.consent import Consent, Training
from parrot.observation import Label, Observation, Opinion, Status
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Reason
from parrot.review import UNUSABLE
from tests.support.observations import NOW, observation, verdict
from tests.support.photos import encoded, noise
from tests.support.processing import GALAH, KEA, World

if TYPE_CHECKING:
    from pathlib import Path

    from parrot.records import OpenObject

TABLE = (DEFAULT_BUNDLE / "species.csv").read_bytes()
LATER = NOW + timedelta(hours=1)
SURE = replace(verdict(KEA.id), species_probability=0.99)
SURE_GALAH = replace(SURE, species=GALAH.id, likely=(GALAH.id,))
UNKNOWN = replace(verdict(KEA.id), likely=())
NOTHING, BIRD = verdict(), replace(verdict(), reason=Reason.OTHER_BIRD)


def saved(world: World, number: int, *, uid: str = "ana", **changes: Any) -> Observation:
    """A processed photo of its own that person and model call a kea, but for the changes."""
    photo = noise(64, 48, seed=number)
    exif = photo.getexif()
    exif[0x8769] = {}
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 0.0)}
    allowed = Consent(given=True, at=NOW)
    stored = world.save(encoded(photo, exif=exif), number, uid=uid, consent=allowed)
    world.processor().process(stored)
    judged = {"verdict": SURE, **changes}
    changed = world.store.replace(replace(world.observation(stored), **judged))
    assert changed is not None
    return changed


def proved(world: World, uid: str, first: int = 40) -> None:
    """Reviewers found ten labels of this person right."""
    for number in range(first, first + 10):
        saved(world, number, uid=uid, opinions=(Opinion("r", KEA.id, LATER),))


def label(species: str) -> tuple[Label, ...]:
    return (Label(species, None, NOW),)


def exported(world: World, folder: Path, bundle: str = "") -> tuple[Exported, list[dict[str, str]]]:
    done = export(world.store, world.photos, TABLE, folder, bundle=bundle)
    with (folder / "index.csv").open(newline="") as file:
        return done, list(csv.DictReader(file))


def places(lines: list[dict[str, str]]) -> list[str]:
    return [line["path"].rpartition("/")[0] for line in lines]


def test_only_what_person_and_model_agree_on_trains(tmp_path: Path) -> None:
    """A galah saved as a kea came out as a kea, and "not a parrot" was thrown away."""
    world = World(tmp_path)
    for number, (species, judged) in enumerate(
        [
            (KEA.id, verdict(KEA.id)),
            (NOT_A_PARROT.id, BIRD),
            (NOT_A_PARROT.id, NOTHING),
            (OTHER_PARROT.id, UNKNOWN),
            (KEA.id, verdict(GALAH.id)),
            (KEA.id, UNKNOWN),
            (KEA.id, replace(verdict(KEA.id), likely=None)),  # nothing but a best guess
            ("no-such-kind", verdict(KEA.id)),
        ],
        1,
    ):
        saved(world, number, labels=label(species), verdict=judged)
    saved(world, 18, consent=None)
    saved(world, 19, consent=Consent(given=False, at=NOW))
    saved(world, 20, status=Status.REJECTED)
    saved(world, 21, duplicate_of="another")
    proved(world, "ana")
    done, lines = exported(world, tmp_path / "out")
    assert places(lines) == [
        "negatives/not-a-parrot",
        "other_birds/not-a-parrot",
        *[f"parrots/{KEA.id}"] * 11,
        "parrots/other-parrot",
    ]
    assert done.written == 14
    assert done.left_out == {
        LeftOut.UNSETTLED: 3,
        LeftOut.UNLABELLED: 1,
        LeftOut.FORBIDDEN: 2,
        LeftOut.UNPROCESSED: 1,
        LeftOut.DUPLICATE: 1,
    }


def test_what_reviewers_settle_trains_under_their_label(tmp_path: Path) -> None:
    """The person's label, the model's set and a single reviewer are overruled."""
    world, opinions = World(tmp_path), tuple(Opinion(name, GALAH.id, NOW) for name in "rs")
    cases = [
        (KEA.id, verdict(KEA.id), opinions),
        (GALAH.id, UNKNOWN, opinions[:1]),
        (KEA.id, verdict(KEA.id), opinions[:1]),  # contested
        (KEA.id, verdict(KEA.id), tuple(Opinion(name, UNUSABLE, NOW) for name in "rs")),
    ]
    for number, (species, judged, given) in enumerate(cases, 1):
        saved(world, number, labels=label(species), verdict=judged, opinions=given)
    done, lines = exported(world, tmp_path / "out")
    assert places(lines) == [f"parrots/{GALAH.id}"] * 2
    assert done.left_out == {LeftOut.UNSETTLED: 2}


def test_pixels_leave_without_metadata_and_under_names_of_one_export(tmp_path: Path) -> None:
    """Originals left with the place where they were taken, under the same name each time."""
    world = World(tmp_path)
    for number, uid in enumerate(("ana", "ana", "ben"), 1):
        saved(world, number, uid=uid)
    first, again = exported(world, tmp_path / "out")[1], exported(world, tmp_path / "other")[1]
    for lines in (first, again):
        assert len({line["near_duplicates"] for line in lines}) == 2
    assert [line["path"] for line in first] == [line["path"] for line in again]
    people = [{line["near_duplicates"] for line in lines} for lines in (first, again)]
    assert people[0].isdisjoint(people[1])
    for line in first:
        data = (tmp_path / "out" / line["path"]).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            assert not {"exif", "xmp"} & image.info.keys()


def test_a_picture_of_two_people_trains_once(tmp_path: Path) -> None:
    """One photo sent from many accounts must not weigh as many."""
    world = World(tmp_path)
    first = saved(world, 1)
    saved(world, 2, uid="ben")
    saved(world, 3, uid="eve", derived=first.derived)
    done, lines = exported(world, tmp_path / "out")
    assert (len(lines), done.left_out) == (2, {LeftOut.DUPLICATE: 1})


def test_what_may_not_train_any_more_leaves_the_folder_too(tmp_path: Path) -> None:
    """The second run of an export is as good as a first one."""
    world = World(tmp_path)
    _, renamed, deleted = (saved(world, number) for number in (1, 2, 3))
    out = tmp_path / "out"
    assert len(exported(world, out)[1]) == 3
    world.store.replace(replace(renamed, labels=label(GALAH.id), verdict=SURE_GALAH))
    world.store.remove(deleted)
    _, lines = exported(world, out)
    assert places(lines) == [f"parrots/{GALAH.id}", f"parrots/{KEA.id}"]
    assert len(list(out.rglob("*.webp"))) == 2


def test_a_photo_notes_which_bundle_learns_from_it(tmp_path: Path) -> None:
    """The receipt of an erasure names them; what did not train notes nothing."""
    world = World(tmp_path)
    learnt, other = saved(world, 1), saved(world, 2, consent=None)
    for _ in range(2):
        exported(world, tmp_path / "out", "2026-12-01")
    noted = {row.id: row.learnt_by for row in world.store.everything()}
    assert noted == {learnt.id: ("2026-12-01",), other.id: ()}


def test_who_takes_it_back_while_an_export_runs_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a second export for the same bundle, which needs no new note."""
    world = World(tmp_path)
    row = saved(world, 1)
    exported(world, tmp_path / "out", "2026-12-01")
    opened = world.photos.open

    def take_back(object_name: str) -> OpenObject | None:
        stored = world.store.get(row.uid, row.id)
        assert stored is not None
        world.store.replace(replace(stored, consent=Consent(given=False, at=NOW)))
        return opened(object_name)

    monkeypatch.setattr(world.photos, "open", take_back)
    assert exported(world, tmp_path / "out", "2026-12-01")[1] == []


def test_where_nothing_trains_nothing_leaves_whatever_was_allowed_before(tmp_path: Path) -> None:
    """Consent was given to a deployment that trains; a folder of before is emptied too."""
    world, out = World(tmp_path), tmp_path / "out"
    row = saved(world, 1)
    assert exported(world, out)[0].written == 1
    done = export(world.store, world.photos, TABLE, out, bundle="2", training=Training.OFF)
    assert (done.written, done.left_out) == (0, {LeftOut.OFF: 1})
    assert not list(out.rglob("*.webp"))
    assert world.store.get(row.uid, row.id) == row, "nothing learns from it"


def test_an_operators_command_knows_what_was_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their shell has none of the functions' settings; the job's environment does."""
    settings = tmp_path / "deploy.env"
    settings.write_text("# TRAINING=granted\nPROJECT=p\nTRAINING='off'  # nobody asked\n")
    monkeypatch.setattr(stores, "DEPLOY_ENV", settings)
    monkeypatch.delenv("TRAINING", raising=False)
    assert stores.training("firestore:p") is Training.OFF
    assert stores.training("sqlite:x.db") is Training.ASK, "the local stack is not that deployment"
    monkeypatch.setenv("TRAINING", "granted")
    assert stores.training("firestore:p") is Training.GRANTED


def test_whom_reviewers_contradict_trains_nothing_more_on_their_word_alone(tmp_path: Path) -> None:
    """Nobody starts with a bad name; who gives in to a reviewer was wrong before."""
    world = World(tmp_path)
    wrong = tuple(Opinion(name, GALAH.id, LATER) for name in "rs")
    right = tuple(Opinion(name, KEA.id, LATER) for name in "rs")
    given_in = (*label(KEA.id), Label(GALAH.id, None, LATER))
    for number, (uid, opinions, labels) in enumerate(
        [
            ("mal", wrong, label(KEA.id)),
            ("mal", wrong, given_in),
            ("mal", right, label(KEA.id)),
            ("ben", wrong, label(KEA.id)),
            ("ben", right, label(KEA.id)),
        ],
        1,
    ):
        saved(world, number, uid=uid, opinions=opinions, labels=labels)
    assert by_person(world.store.everything()) == {"mal": 2 / 5, "ben": 2 / 4}
    for number, uid in enumerate(("mal", "ben", "new"), 11):
        saved(world, number, uid=uid)
    done, _ = exported(world, tmp_path / "out")
    assert (done.written, done.left_out) == (7, {LeftOut.DISTRUSTED: 1})


def test_of_somebody_unknown_the_model_must_be_sure(tmp_path: Path) -> None:
    """Whoever asks the model first knows which wrong names it holds possible."""
    world = World(tmp_path)
    either = replace(SURE, likely=(KEA.id, GALAH.id), species_probability=0.8)
    cases = [
        (KEA.id, SURE),
        (NOT_A_PARROT.id, NOTHING),
        (KEA.id, either),
        (NOT_A_PARROT.id, replace(NOTHING, parrot_probability=0.2)),
        (OTHER_PARROT.id, UNKNOWN),
        (GALAH.id, either),
    ]
    for number, (species, judged) in enumerate(cases, 1):
        saved(world, number, labels=label(species), verdict=judged)
    done, _ = exported(world, tmp_path / "out")
    assert (done.written, done.left_out) == (2, {LeftOut.DOUBTED: 4})
    proved(world, "ana")
    done, _ = exported(world, tmp_path / "out")
    assert (done.written, done.left_out) == (15, {LeftOut.DOUBTED: 1})


def test_trust_is_of_the_latest_settled_photos() -> None:
    """A hundred right labels of last year do not excuse what somebody says now."""
    wrong, right = (Opinion("r", kind, LATER) for kind in (GALAH.id, KEA.id))
    rows = [
        replace(
            observation(number),
            labels=(replace(label(KEA.id)[0], at=NOW + timedelta(seconds=number)),),
            opinions=(right, replace(right, reviewer="s"))
            if number < 100
            else (wrong, replace(wrong, reviewer="s")),
        )
        for number in range(106)
    ]
    assert by_person(rows[:100]) == {"ana": 11 / 12}
    assert by_person(rows) == {"ana": 5 / 12}


def test_who_suddenly_labels_differently_is_held_back_before_anybody_reviews_it(
    tmp_path: Path,
) -> None:
    """Trust that was earned is worth money to whoever wants to spoil a kind."""
    world = World(tmp_path)
    proved(world, "eve")
    for number in range(1, 5):
        saved(world, number, uid="eve", labels=label(KEA.id))
    renamed = label(GALAH.id)
    for number in range(5, 11):
        at = replace(renamed[0], at=NOW + timedelta(minutes=number))
        saved(world, number, uid="eve", labels=(at,), verdict=verdict(KEA.id))
    done, _ = exported(world, tmp_path / "out")
    assert done.left_out == {LeftOut.UNSETTLED: 6, LeftOut.CHANGED: 4}


def test_accounts_that_name_one_picture_differently_are_not_believed(tmp_path: Path) -> None:
    """The same bird in another size comes from several accounts; what is settled stays."""
    world = World(tmp_path)
    first = saved(world, 1)
    assert first.derived is not None
    flipped = f"{int(first.derived.phash, 16) ^ 0b101:016x}"
    ben = saved(
        world,
        2,
        uid="ben",
        labels=label(GALAH.id),
        verdict=replace(SURE, species=GALAH.id, likely=(GALAH.id,)),
    )
    assert ben.derived is not None
    ben = replace(ben, derived=replace(ben.derived, phash=flipped))
    stored = world.store.replace(ben)
    assert stored is not None
    done, _ = exported(world, tmp_path / "out")
    assert (done.written, done.left_out) == (
        0,
        {LeftOut.DISPUTED: 1, LeftOut.DUPLICATE: 1},
    )
    settled = (Opinion("r", GALAH.id, LATER),)
    world.store.replace(replace(stored, opinions=settled))
    done, lines = exported(world, tmp_path / "out")
    assert places(lines) == [f"parrots/{GALAH.id}"]
    assert done.left_out == {LeftOut.DUPLICATE: 1}


def test_a_flood_of_one_person_is_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However right they are, others' birds of this kind look different."""
    monkeypatch.setattr(training_labels, "_MOST_OF_ONE", 2)
    world = World(tmp_path)
    for number in (1, 2, 3):
        saved(world, number)
    saved(world, 4, uid="ben")
    done, _ = exported(world, tmp_path / "out")
    assert (done.written, done.left_out) == (3, {LeftOut.FLOOD: 1})


@pytest.mark.parametrize("store", [stores.observations, stores.people])
def test_a_database_that_is_named_is_the_one_that_commands_open(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgetting someone in the default database would remove nothing, and sign a receipt."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    for where, database in (("firestore:p/d", "d"), ("firestore:p", "(default)")):
        client = vars(store(where))["_client"]
        assert (client.project, client._database) == ("p", database)  # noqa: SLF001


def test_the_photos_of_a_project_need_no_setting_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The login of a person does not, and Google's client refuses to begin without one."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert stores.storage("firestore:p/d").project == "p"


def test_every_fifth_person_judges_models_and_trains_none(tmp_path: Path) -> None:
    """Else a model is judged by people whom it knows, and nobody can tell whether it learned."""
    world = World(tmp_path)
    people = [f"user-{number}" for number in range(500)]
    assert 80 < sum(map(saved_photos.examines, people)) < 120
    examiner = next(uid for uid in people if saved_photos.examines(uid))
    kept, trains = saved(world, 1, uid=examiner), saved(world, 2)
    done, lines = exported(world, tmp_path / "out", bundle="next")
    with (tmp_path / "out" / saved_photos.EXAM).open(newline="") as file:
        (exam,) = csv.DictReader(file)
    assert (done.written, done.exam, len(lines)) == (2, 1, 1)
    assert exam["path"] != lines[0]["path"]
    assert [row.id for row in done.learners] == [trains.id]
    stored = [world.store.get(row.uid, row.id) for row in (kept, trains)]
    assert [row.learnt_by for row in stored if row] == [(), ("next",)]


def test_kinds_without_a_class_are_counted_in_peoples_own_words_once_settled(
    tmp_path: Path,
) -> None:
    """What one person alone wrote, or nobody settled, is nobody's new class."""
    world = World(tmp_path)
    said = [("ana", "Monk Parakeet"), ("ben", "monk parakeet"), ("ben", "My Polly"), ("cy", "kaka")]
    for number, (uid, text) in enumerate(said, 1):
        labels = (Label(OTHER_PARROT.id, None, NOW, text),)
        opinions = () if uid == "cy" else (Opinion("r", OTHER_PARROT.id, LATER),)
        saved(world, number, uid=uid, labels=labels, verdict=UNKNOWN, opinions=opinions)
    done, _ = exported(world, tmp_path / "out")
    assert [(kind.id, kind.photos, kind.people) for kind in done.wanted] == [
        ("monk-parakeet", 2, 2)
    ]
    assert str(done.wanted[0]).startswith("monk parakeet: 2 settled photos of 2 people, too few")
    table = TABLE + b"22,monk-parakeet,Myiopsitta monachus,Monk parakeet,,II\n"
    export(world.store, world.photos, table, tmp_path / "more")
    assert len(list((tmp_path / "more" / "parrots" / "monk-parakeet").iterdir())) == 2
