"""What a person can do about everything that is kept about them."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
import uuid
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from parrot import archive, deadline, takeout
from parrot.adapters.firestore import FirestoreObservations
from parrot.adapters.firestore_people import FirestorePeople
from parrot.adapters.sqlite_people import SqlitePeople
from parrot.erasure import Eraser
from parrot.observation import EPOCH, Opinion, Status, derived_name, photo_name
from parrot.observations import Observations
from parrot.quota import User
from parrot.receipt import Erasure, verified
from tests.support.observations import NOW, observation, use
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.processing import Counted, Killed, MemoryPhotos, Steps, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from google.cloud.storage import Bucket

    from parrot.store import ObservationStore, PeopleStore
    from tests.support.phone import Phone

ANA, BEA = User("ana"), User("bea")
MOST_STEPS = 100
SAVED = 2


@pytest.fixture
def people(store: ObservationStore, tmp_path: Path) -> PeopleStore:
    """What the same store keeps beside its observations."""
    if isinstance(store, FirestoreObservations):
        return FirestorePeople(store._client)  # noqa: SLF001 - the emulator's
    return SqlitePeople(tmp_path / "deep" / "observations.db")


def kill() -> None:
    raise Killed


class Everything:
    """All that two people have, and what is left of it."""

    def __init__(self, store: ObservationStore, people: PeopleStore) -> None:
        self.store, self.people, self.photos = store, people, MemoryPhotos()
        self.removed: list[str] = []

    def save(self, uid: str) -> None:
        for number in range(SAVED):
            row = replace(
                observation(number, uid),
                learnt_by=("b-1",),
                status=Status.READY,
                opinions=(Opinion("ana" if uid == "bea" else "zoe", "kea", NOW),),
            )
            self.store.create(row, use(1, limit=999))
            self.photos.upload(row.object_name, b"photo")
            self.photos.upload(derived_name(uid, row.id, "image"), b"copy")
        self.photos.upload(photo_name(uid, "never-seen"), b"its event is on its way")
        self.store.claim(uid, "a" * 64, "id-1", expires=NOW, use=use(1, quota="keys"))

    def eraser(self, steps: Steps | None = None) -> Eraser:
        steps = steps or Steps()
        store, photos = Counted(self.store, steps), Counted(self.photos, steps)
        return Eraser(
            store,
            Counted(self.people, steps),
            photos,
            Observations(store, photos),
            remove_user=Counted(self, steps).end,
            now=lambda: NOW,
        )

    def end(self, uid: str) -> None:
        self.removed.append(uid)

    def left(self, uid: str) -> list[object]:
        rows: list[object] = [row.id for row in self.store.of(uid, limit=99)]
        rows += [row.id for row in self.store.by_reviewer(uid, limit=99)]
        owner = self.store.claim(uid, "a" * 64, "", expires=EPOCH, use=use(1, limit=999))
        keys = [owner] if owner else []
        return [*rows, *self.photos.list_all(uid), *keys]


def test_an_erasure_killed_after_any_step_is_finished_by_the_next(
    store: ObservationStore, people: PeopleStore
) -> None:
    """Nothing is left, each observation is counted once, and nobody else loses anything."""
    everything = Everything(store, people)
    everything.save("bea")
    others, killed_at = everything.left("bea"), 0
    for at in range(1, MOST_STEPS):
        everything.save("ana")
        steps = Steps(at, kill)
        try:
            everything.eraser(steps).erase(ANA)
        except Killed:
            killed_at = at
        erasure = everything.eraser().erase(ANA)
        assert erasure.finished is not None
        assert (erasure.removed, erasure.bundles) == (SAVED, ("b-1",)), steps.names
        assert everything.left("ana") == []
        assert everything.removed[-1] == "ana"
        if steps.count < at:
            break
    assert killed_at > 20
    assert everything.left("bea") == others


def test_an_erasure_ends_however_little_time_each_request_has(
    store: ObservationStore, people: PeopleStore
) -> None:
    """REQUEST_SECONDS may be less than what a request keeps for its end."""
    everything = Everything(store, people)
    everything.save("ana")
    finished = []
    for _ in range(SAVED + 1):
        with deadline.within(8):
            finished.append(everything.eraser().erase(ANA).finished)
    assert finished == [*[None] * SAVED, NOW]


def test_who_asks_again_gets_the_same_receipt_until_something_was_saved(
    store: ObservationStore, people: PeopleStore
) -> None:
    """The answer may have been lost on its way."""
    everything = Everything(store, people)
    everything.save("ana")
    first = everything.eraser().erase(ANA)
    assert everything.eraser().erase(ANA) == first
    everything.save("ana")
    again = everything.eraser().erase(ANA)
    assert (again.removed, again.revision > first.revision) == (SAVED, True)
    nothing = everything.eraser().erase(BEA)
    assert (nothing.removed, nothing.finished) == (0, NOW)


def test_who_asks_again_loses_what_came_since(store: ObservationStore, people: PeopleStore) -> None:
    """Opinions, keys, and uploads whose event is late are no observations, but about the person."""
    everything = Everything(store, people)
    first = everything.eraser().erase(ANA)
    everything.save("bea")  # ana said something about her photos
    everything.photos.upload(photo_name("ana", "late"), b"its event is on its way")
    assert everything.eraser().erase(ANA) == first
    assert everything.left("ana") == []


def test_a_save_in_the_middle_is_erased_too(store: ObservationStore, people: PeopleStore) -> None:
    """Its photo was removed, and its observation stayed behind a receipt that said otherwise."""
    everything = Everything(store, people)
    everything.save("ana")
    late = replace(observation(7, "ana"), status=Status.PENDING)

    def save() -> None:
        everything.store.create(late)
        everything.photos.upload(late.object_name, b"photo")

    steps = Steps()
    everything.eraser(steps).erase(ANA)
    everything.save("ana")
    first_list = steps.names.index("list_all") + 1
    erasure = everything.eraser(Steps(first_list, save)).erase(ANA)
    assert (erasure.removed, everything.left("ana")) == (SAVED + 1, [])


def test_an_account_outlives_an_erasure_that_another_request_goes_on_with(
    store: ObservationStore, people: PeopleStore
) -> None:
    """Or nobody could ask again for what that one leaves when its time is over."""
    everything = Everything(store, people)
    steps = Steps()
    everything.eraser(steps).erase(BEA)
    other = Erasure("cy", NOW, batch=("id-1",))
    read = steps.names.index("erasure") + 1
    erasure = everything.eraser(Steps(read, lambda: people.keep(other))).erase(User("cy"))
    assert (erasure.finished, everything.removed) == (None, ["bea"])


def test_an_erasure_gives_no_new_quota(store: ObservationStore, people: PeopleStore) -> None:
    """Or whoever erases everything could save and ask without end."""
    everything = Everything(store, people)
    everything.save("ana")
    before = store.used("ana", "saves")
    everything.eraser().erase(ANA)
    assert store.used("ana", "saves") == before != (0, 0)


def test_of_two_notes_about_one_erasure_one_counts(people: PeopleStore) -> None:
    """Two requests at once must not count an observation twice."""
    assert people.keep(Erasure("ana", NOW, revision=1)) is None
    first = people.keep(Erasure("ana", NOW))
    assert first == people.erasure("ana") == Erasure("ana", NOW, revision=1)
    assert people.keep(Erasure("ana", NOW, removed=7)) is None
    second = people.keep(replace(first, removed=3, batch=("x",), bundles=("b",), finished=NOW))
    assert people.erasure("ana") == second


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
        content, token = takeouts.part(ANA, token)
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
    assert takeouts.part(BEA, None)[1] is None


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
        command = [sys.executable, "-m", "models", "receipt", str(folder / "receipt.json")]
        done = subprocess.run([*command, "--key", key], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert ("genuine: 2 observations" in done.stdout) is (code == 0)


def test_who_asks_for_exports_without_reading_them_is_stopped(ana: Phone) -> None:
    """Each HEAD looks up a hundred photos in the bucket."""
    answers = [ana.ask("HEAD", "/me/export").status_code for _ in range(33)]
    assert (answers[0], answers[-1]) == (200, 429)


def test_an_operator_forgets_a_person(
    ana: Phone, bea: Phone, data: Path, running_url: str, bucket: Bucket
) -> None:
    """As the person would, by a command that may be repeated."""
    for phone in (ana, bea):
        phone.send(encoded(noise(40, 30, seed=73)))
        phone.all_settled()
    where = f"sqlite:{data / 'observations.db'}"
    command = [sys.executable, "-m", "models", "forget", where, bucket.name, ana.user]
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "STORAGE_EMULATOR_HOST": bucket.client._connection.API_BASE_URL,  # noqa: SLF001
        "GOOGLE_CLOUD_PROJECT": "demo-parrot",
    }
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["receipt"]["observations"] == 1
    assert (ana.pages(), len(bea.pages())) == ([], 1), running_url


def test_nobody_but_the_person_is_answered(running_url: str, ana: Phone) -> None:
    """Everything of one person in one answer is what a thief would ask for."""
    for method, path in (("GET", "/me"), ("GET", "/me/export"), ("DELETE", "/me")):
        answer = requests.request(method, f"{running_url}/parrot-classifier{path}", timeout=60)
        assert_problem(answer, 401, "unauthenticated")
    theirs = ana.get("/me/export", params={"page_token": uuid.uuid4().hex})
    assert_problem(theirs, 400, "invalid_request")
    assert_problem(ana.get("/me/nothing"), 404, "not_found")
