"""What of saved photos leaves, and what is noted of it."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.data import saved_photos
from models.data.export_folder import LocalFolder
from models.data.saved_photos import export
from models.data.training_labels import LeftOut
from parrot.consent import Consent, Training
from parrot.errors import StoreUnavailable
from parrot.model.manifest import digest
from parrot.observation import Observation, Status
from parrot.records import OTHER_PARROT
from parrot.store import OpenObject
from tests.support.default_bundle import TABLE
from tests.support.observations import NOW, at
from tests.support.photos import opened
from tests.support.processing import GALAH, KEA, World
from tests.support.saved_photos import (
    SURE_GALAH,
    exported,
    in_words,
    label,
    places,
    saved,
)


def test_pixels_leave_without_metadata_and_under_names_of_one_export(world: World) -> None:
    """Originals left with the place where they were taken, under the same name each time."""
    for number, uid in enumerate(("ana", "ana", "ben"), 1):
        saved(world, number, uid=uid)
    first, again = exported(world)[1], exported(world, "other")[1]
    for lines in (first, again):
        assert len({line["near_duplicates"] for line in lines}) == 2
    assert [line["path"] for line in first] == [line["path"] for line in again]
    people = [{line["near_duplicates"] for line in lines} for lines in (first, again)]
    assert people[0].isdisjoint(people[1])
    for line in first:
        data = (world.folder / "out" / line["path"]).read_bytes()
        with opened(data) as image:
            assert not {"exif", "xmp"} & image.info.keys()


def test_a_line_names_the_model_and_the_table_that_its_label_refers_to(world: World) -> None:
    """A later bundle counts its classes otherwise."""
    saved(world, 1)
    (line,) = exported(world)[1]
    assert (line["model"], line["label_map"]) == ("M/1", digest(TABLE))


def test_what_may_not_train_any_more_leaves_the_folder_too(world: World) -> None:
    """The second run of an export is as good as a first one."""
    _, renamed, deleted = (saved(world, number) for number in (1, 2, 3))
    assert len(exported(world)[1]) == 3
    world.store.replace(replace(renamed, labels=label(GALAH.id), verdict=SURE_GALAH))
    world.store.remove(deleted)
    _, lines = exported(world)
    assert places(lines) == [f"parrots/{GALAH.id}", f"parrots/{KEA.id}"]
    assert len(list((world.folder / "out").rglob("*.webp"))) == 2


def test_of_two_exports_into_one_folder_one_says_that_there_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of one removes what the other is writing, which only named a missing file."""
    folder, write_bytes = LocalFolder(tmp_path), Path.write_bytes

    def overtaken(path: Path, data: bytes) -> int:
        size = write_bytes(path, data)
        for name in folder.photos():
            folder.remove(name)
        return size

    monkeypatch.setattr(Path, "write_bytes", overtaken)
    with pytest.raises(OSError, match=f"another export into {tmp_path} is running"):
        folder.write("parrots/kea/1.webp", b"photo")


@pytest.mark.parametrize("bundle", ["2026-12-01", ""])
@pytest.mark.parametrize("uid", ["ana", "cleo"])
@pytest.mark.parametrize(
    "changes", [{"consent": Consent(given=False, at=NOW)}, {"generation": "99"}]
)
def test_who_takes_it_back_or_overwrites_it_while_an_export_runs_is_left_out(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
    uid: str,
    changes: dict[str, Any],
) -> None:
    """Also of a second export for the same bundle, which needs no new note; cleo is of the exam.

    What a photo is overwritten with had the label that was confirmed of the photo before.
    """
    row = saved(world, 1, uid=uid)
    exported(world, bundle=bundle)
    everything = world.store.everything

    def take_back() -> Iterator[Observation]:
        yield from everything()
        stored = world.store.get(row.uid, row.id)
        assert stored is not None
        world.store.replace(replace(stored, **changes))

    monkeypatch.setattr(world.store, "everything", take_back)
    done, lines = exported(world, bundle=bundle)
    assert (lines, done.left_out) == ([], {LeftOut.MISSING: 1})
    assert not list((world.folder / "out").rglob("*.webp"))


def test_a_photo_that_goes_between_being_found_and_being_read_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the whole export; one that cannot be read now is asked for again."""
    monkeypatch.setattr("models.patience._FIRST_PAUSE_SECONDS", 0)
    gone, _ = (saved(world, number) for number in (1, 2))
    opened = world.photos.open

    def overtaken(object_name: str) -> OpenObject | None:
        content = opened(object_name)
        if content is None or not gone.derived or object_name != gone.derived.image:
            return content
        world.photos.delete(object_name)
        return replace(content, read=unreadable)

    def unreadable(_first: int, _end: int) -> bytes:
        raise StoreUnavailable("the photo was replaced while it was read")

    monkeypatch.setattr(world.photos, "open", overtaken)
    done, lines = exported(world)
    assert (len(lines), done.left_out) == (1, {LeftOut.MISSING: 1})


def test_vectors_are_not_kept_while_everything_is_looked_through(world: World) -> None:
    """They are 2.8 of a row's 4.8 kB, of all that anybody ever saved."""
    saved(world, 1, embedded=at(0))
    for _ in range(2):  # and noted once
        (learner,) = exported(world, bundle="next")[0].learners
    (kept,) = world.store.everything()
    assert (learner.embedded, kept.embedded, kept.learnt_by) == (None, at(0), ("next",))


def test_what_is_being_deleted_teaches_nothing(world: World) -> None:
    """The receipt is written before its document is gone, and would not name the bundle."""
    learners = [saved(world, number, uid=f"p{number}") for number in (1, 2)]
    assert world.store.replace(replace(learners[0], status=Status.DELETING)) is not None
    assert saved_photos.note(world.store, learners, "next") == {"p1"}
    noted = {row.uid: row.learnt_by for row in world.store.everything()}
    assert noted == {"p1": (), "p2": ("next",)}


def test_where_nothing_trains_nothing_leaves_whatever_was_allowed_before(world: World) -> None:
    """Consent was given to a deployment that trains; a folder of before is emptied too."""
    row, out = saved(world, 1), world.folder / "out"
    assert exported(world)[0].written == 1
    done = export(
        world.store, world.photos, TABLE, LocalFolder(out), bundle="2", training=Training.OFF
    )
    assert (done.written, done.left_out) == (0, {LeftOut.OFF: 1})
    assert not list(out.rglob("*.webp"))
    assert world.store.get(row.uid, row.id) == row, "nothing learns from it"


def test_every_fifth_person_judges_models_and_trains_none(world: World) -> None:
    """Else a model is judged by people whom it knows, and nobody can tell whether it learned."""
    people = [f"user-{number}" for number in range(500)]
    assert 80 < sum(map(saved_photos.examines, people)) < 120
    examiner = next(uid for uid in people if saved_photos.examines(uid))
    kept, trains = saved(world, 1, uid=examiner), saved(world, 2)
    done, lines = exported(world, bundle="next")
    with (world.folder / "out" / saved_photos.EXAM).open(newline="") as file:
        (exam,) = csv.DictReader(file)
    assert (done.written, done.exam, len(lines)) == (2, 1, 1)
    assert exam["path"] != lines[0]["path"]
    assert [row.id for row in done.learners] == [trains.id]
    stored = [world.store.get(row.uid, row.id) for row in (kept, trains)]
    assert [row.learnt_by for row in stored if row] == [(), ("next",)]


def test_peoples_own_words_are_never_one_of_ours(world: World) -> None:
    """Reviewers said that it is another parrot; "not a parrot" beside it made it a negative."""
    ours = ["Not a parrot", "other parrot", "cannot tell", "Unusable", "Macaws", "not alive"]
    in_words(world, *((uid, text, "r") for uid in ("ana", "ben") for text in ours))
    done, lines = exported(world)
    assert {*places(lines)} == {f"parrots/{OTHER_PARROT.id}"}
    assert done.wanted == ()


def test_kinds_without_a_class_are_counted_in_peoples_own_words_once_settled(
    world: World,
) -> None:
    """What one person alone wrote, or nobody settled, is nobody's new class."""
    said = [("ana", "Monk Parakeet", "r"), ("ben", "monk parakeet", "r"), ("ben", "My Polly", "r")]
    said += [("cy", "kaka", ""), ("ana", "Galah", "r")]
    said += [("ben", "Galah", "r")]  # a class is none that could become one
    in_words(world, *said)
    done, _ = exported(world)
    assert [(kind.id, kind.photos, kind.people) for kind in done.wanted] == [
        ("monk-parakeet", 2, 2)
    ]
    assert str(done.wanted[0]).startswith("monk parakeet: 2 settled photos of 2 people, too few")
    table = TABLE + b"22,monk-parakeet,Myiopsitta monachus,Monk parakeet,,II\n"
    export(world.store, world.photos, table, LocalFolder(world.folder / "more"))
    assert len(list((world.folder / "more" / "parrots" / "monk-parakeet").iterdir())) == 2
