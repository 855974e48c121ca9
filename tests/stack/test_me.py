"""What a person can do about everything that is kept about them."""

import base64
import csv
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local import stack
from models.cli import app
from parrot import archive, takeout
from parrot.adapters.sqlite import SqliteObservations
from parrot.observation import Opinion
from parrot.quota import User
from parrot.receipt import verified
from tests.support.observations import NOW, processed
from tests.support.phone import Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.processing import Counted, Killed, Steps, World, die


def saved(world: World, number: int, size: int) -> bytes:
    photo = encoded(noise(size, size, seed=number))
    world.processor().process(world.save(photo, number))
    return photo


def read(content: Any, first: int = 0, step: int = 1000) -> bytes:
    """As it is sent, from there on."""
    return b"".join(
        content.read(at, min(at + step, content.size)) for at in range(first, content.size, step)
    )


def test_a_takeout_has_everything_in_parts_and_continues_at_any_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its length is known before a photo is read, and no photo is missing or there twice."""
    monkeypatch.setattr(takeout, "MOST_BYTES", 60_000)
    monkeypatch.setattr(archive, "_PIECE_BYTES", 7_000)
    world = World(tmp_path)
    sent = {number: saved(world, number, 150) for number in (1, 2, 3, 4)}
    for row in world.store.of("ana", limit=9):
        world.store.replace(replace(row, opinions=(Opinion("uid-of-zoe", "kea", NOW),)))
    takeouts = takeout.Takeout(world.store, world.photos)
    found: list[bytes] = []
    token: str | None = None
    for _ in range(10):
        content, token = takeouts.part(User("ana"), token)
        whole = read(content)
        assert len(whole) == content.size
        assert read(content, content.size - 501) == whole[-501:]
        assert read(content, 777) == whole[777:]
        with zipfile.ZipFile(io.BytesIO(whole)) as zipped:
            assert zipped.testzip() is None
            assert b'"opinions": [' in (said := zipped.read("observations.json"))
            assert b"uid-of-zoe" not in said  # a reviewer is a person, too
            rows = json.loads(zipped.read("observations.json"))
            table = list(csv.DictReader(io.StringIO(zipped.read("observations.csv").decode())))
            assert [row["id"] for row in rows] == [line["id"] for line in table]
            found += [zipped.read(line["photo"]) for line in table]
        if token is None:
            break
    assert found == [sent[number] for number in (4, 3, 2, 1)]
    assert takeouts.part(User("bea"), None)[1] is None


def test_an_export_killed_after_any_call_is_whole_when_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    """It writes nothing, so there is nothing to clean up; its ETag says that it is the same."""
    world = World(tmp_path)
    for number in (1, 2, 3):
        saved(world, number, 60)
    before = list(world.store.everything())
    whole, _ = takeout.Takeout(world.store, world.photos).part(User("ana"), None)

    def download(steps: Steps) -> bytes:
        store, photos = Counted(world.store, steps), Counted(world.photos, steps)
        content, _ = takeout.Takeout(store, photos).part(User("ana"), None)
        sent = bytearray()
        for at in range(0, content.size, 4000):
            sent += content.read(at, min(at + 4000, content.size))
            steps.taken("sent")
        return bytes(sent)

    undisturbed = Steps()
    assert download(undisturbed) == read(whole)
    for at in range(1, undisturbed.count + 1):
        with pytest.raises(Killed):
            download(Steps(at, die))
        assert list(world.store.everything()) == before
        again, _ = takeout.Takeout(world.store, world.photos).part(User("ana"), None)
        assert (again.tag, read(again)) == (whole.tag, read(whole))


def test_a_person_sees_takes_and_removes_what_is_kept(
    ana: Phone, bea: Phone, stored: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """Over HTTP, to the receipt that a command checks."""
    photos = [encoded(noise(40, 30, seed=seed)) for seed in (71, 72)]
    ana.send(photos[0], training="true")
    ana.send(photos[1])
    bea.send(photos[0])
    ana.all_settled(2)
    me = ana.get("/me").json()
    assert (me["user"], me["observations"]["needs_review"]) == (ana.user, 2)
    assert me["training"] == {"allowed": 1, "refused": 0, "unasked": 1}
    export = ana.get("/me/export")
    assert export.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(export.content)) as zipped:
        kept = [zipped.read(name) for name in zipped.namelist() if name.startswith("photos/")]
    assert sorted(kept) == sorted(photos)
    tag = {"Range": "bytes=100-", "If-Range": export.headers["ETag"]}
    rest = ana.get("/me/export", headers=tag)
    assert (rest.status_code, rest.content) == (206, export.content[100:])
    while (answer := ana.ask("DELETE", "/me")).status_code == 202:
        assert answer.headers["Retry-After"]
    receipt = verified(answer.json(), base64.b64decode(me["receipt_key"]))
    assert (receipt["user"], receipt["observations"], receipt["bundles"]) == (ana.user, 2, [])
    assert ana.pages() == []
    assert stored(f"photos/{ana.user}/") == stored(f"derived/{ana.user}/") == []
    assert len(bea.pages()) == 1
    assert ana.ask("DELETE", "/me").json() == answer.json()
    checked(answer.json(), me["receipt_key"], tmp_path)


def checked(receipt: dict[str, Any], key: str, folder: Path) -> None:
    """By the command, which refuses a receipt that says something else."""
    for removed, code in ((receipt["receipt"]["observations"], 0), (99, 1)):
        receipt["receipt"]["observations"] = removed
        (folder / "receipt.json").write_text(json.dumps(receipt))
        done = CliRunner().invoke(app, ["receipt", str(folder / "receipt.json"), "--key", key])
        assert done.exit_code == code, done.stderr
        assert ("genuine: 2 observations" in done.stdout) is (code == 0)
    done = CliRunner().invoke(app, ["receipt", str(folder / "receipt.json"), "--key", "cut"])
    assert "--key is not a `receipt_key`" in done.stderr


def test_who_asks_for_exports_without_reading_them_is_stopped(ana: Phone) -> None:
    """Each HEAD looks up a hundred photos in the bucket."""
    answers = [ana.ask("HEAD", "/me/export").status_code for _ in range(33)]
    assert (answers[0], answers[-1]) == (200, 429)


def test_who_saved_thousands_gets_figures_only_now_and_then(ana: Phone, data: Path) -> None:
    """Each answer reads every document, which costs; pictures must still come beside it."""
    store = SqliteObservations(data / "observations.db")
    for number in range(1500):
        store.create(processed(number, f"{number:016x}", ana.user))
    answers = [ana.get("/me") for _ in range(6)]
    assert answers[0].json()["observations"]["ready"] == 1500
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert 2 <= statuses.count(200) <= 4  # two a minute, and a new minute may begin


def test_an_operator_forgets_a_person(ana: Phone, bea: Phone, data: Path, storage_url: str) -> None:
    """As the person would, by a command that may be repeated."""
    for phone in (ana, bea):
        phone.send(encoded(noise(40, 30, seed=73)))
        phone.all_settled()
    where = f"sqlite:{data / 'observations.db'}"
    command = ("forget", where, stack.BUCKET, ana.user)
    storage = {"STORAGE_EMULATOR_HOST": storage_url}
    unsigned = storage | {"RECEIPT_KEY": "ab" * 31}  # no receipt could be signed
    done = CliRunner().invoke(app, command, env=unsigned)
    assert (done.exit_code, len(ana.pages())) == (1, 1)
    assert "RECEIPT_KEY is not 64 hex digits" in done.stderr
    for _ in range(2):
        done = CliRunner().invoke(app, command, env=storage)
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["receipt"]["observations"] == 1
    assert (ana.pages(), len(bea.pages())) == ([], 1)


def test_a_token_of_another_list_and_a_path_below_are_refused(ana: Phone) -> None:
    """With the codes that all other calls have for them."""
    theirs = ana.get("/me/export", params={"page_token": uuid.uuid4().hex})
    assert_problem(theirs, 400, "invalid_request")
    assert_problem(ana.get("/me/nothing"), 404, "not_found")
