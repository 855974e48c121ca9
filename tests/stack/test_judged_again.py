"""Stored photos judged again on a real stack: by a candidate, and by the bundle of a verdict."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import requests
from typer.testing import CliRunner, Result

from local import note, stack
from models.cli import app
from models.cli.stored_photos import picture
from models.publishing.releases import write_files
from parrot.adapters.sqlite import SqliteObservations
from parrot.consent import Consent
from parrot.model.heads import Naming
from parrot.model.manifest import NAMING, Manifest, digest
from parrot.review import handle
from tests.support.observations import NOW, processed
from tests.support.phone import BASE, Phone
from tests.support.processing import MemoryPhotos
from tests.support.waiting import until

CANDIDATE = "2099-01-01"
CLEAR, DOUBTFUL = "parrots/kea/14ca46351660.jpg", "parrots/green-winged-macaw/4b71c3b42c0e.jpg"
NO_PARROT = "negatives/animals/0095574d358f.jpg"
HEIC = "heic/bigcat88-8f14e825ed61.heic"


class Saved(NamedTuple):
    """A stack with a candidate, and four photos that were saved there, by name."""

    running: stack.Running
    data: Path
    phone: Phone
    ids: dict[str, str]

    @property
    def store(self) -> SqliteObservations:
        return SqliteObservations(self.data / "observations.db")

    @property
    def where(self) -> tuple[str, str]:
        return f"sqlite:{self.data / 'observations.db'}", stack.BUCKET

    def command(self, name: str, *arguments: str, **environment: str) -> Result:
        """No process each: 4 s."""
        wide = {"COLUMNS": "200", **environment}
        return CliRunner().invoke(app, [name, *self.where, *arguments], env=wide)


def candidate(folder: Path) -> Path:
    """The bundle in use, but each species goes by the name of the next one."""
    manifest = Manifest.parse((stack.DEFAULT_BUNDLE / "manifest.json").read_bytes())
    files = {name: (stack.DEFAULT_BUNDLE / name).read_bytes() for name in manifest.files}
    heads = Naming.load(files[NAMING])
    order = [*np.roll(np.arange(manifest.classes), 1), manifest.classes]
    species = replace(
        heads.species, weights=heads.species.weights[:, order], biases=heads.species.biases[order]
    )
    files[NAMING] = replace(heads, species=species).dump()
    digests = {name: digest(data) for name, data in files.items()}
    write_files(replace(manifest, version=CANDIDATE, files=digests), files, folder)
    return folder


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, photos: Path, odd: Path, shared_model: str
) -> Iterator[Saved]:
    data: Path = tmp_path_factory.mktemp("again")
    shadow = candidate(data / "candidate")
    phone, ids = Phone("", "ana"), {}
    with (
        stack.running(data, model_server=shared_model, shadow=shadow) as running,
        note.noted(running, data, stack.DEFAULT_BUNDLE),
    ):
        phone = replace(phone, url=running.url)
        for name, folder in ((CLEAR, photos), (DOUBTFUL, photos), (NO_PARROT, photos), (HEIC, odd)):
            photo, allowed = (folder / name).read_bytes(), str(name == CLEAR).lower()
            ids[name] = str(phone.send(photo, training=allowed)["id"])
            phone.settled(ids[name])  # one after the other: decoders are few
        yield Saved(running, data, phone, ids)


def told(saved: Saved, part: str) -> list[dict[str, Any]]:
    """What the log of a part says of agreement, without what every line has."""
    text = (saved.data / "logs" / f"{part}.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    common = {"severity", "message"}
    return [
        {key: value for key, value in line.items() if key not in common}
        for line in lines
        if line["message"] == "shadow"
    ]


def test_the_log_tells_whether_the_candidate_agrees(saved: Saved, photos: Path) -> None:
    """For every photo that is classified, and nothing else about it."""
    started = "2099-01-01 answers beside"
    log = saved.data / "logs" / "functions.log"
    requests.get(f"{saved.running.url}{BASE}/classify", timeout=60)  # builds what it needs
    until(lambda: started in log.read_text("utf-8"), "the candidate")
    for name in (CLEAR, NO_PARROT):
        answer = requests.post(
            f"{saved.running.url}{BASE}/classify",
            data=(photos / name).read_bytes(),
            headers={"Content-Type": "image/jpeg"},
            timeout=60,
        )
        assert answer.json()["model"]["bundle"] != CANDIDATE
    line = {"candidate": CANDIDATE, "verdict_agrees": True}
    assert told(saved, "functions") == [
        {**line, "set_agrees": False, "first_agrees": False},
        {**line, "set_agrees": True, "first_agrees": True},
    ]


def test_shadow_prints_who_would_get_another_answer(saved: Saved, tmp_path: Path) -> None:
    """With what operators look at; only the photo whose owner allows training is shown."""
    page = tmp_path / "page.html"
    done = saved.command("shadow", str(saved.data / "candidate"), "--html", str(page))
    assert done.exit_code == 0, done.stderr
    verdicts = {name: saved.phone.settled(saved.ids[name])["verdict"] for name in saved.ids}
    named = [name for name, verdict in verdicts.items() if verdict["species"]]
    assert {CLEAR, DOUBTFUL} <= set(named)
    assert f"{len(named)} of {len(saved.ids)} photos would get another answer" in done.stdout
    html = page.read_text("utf-8")
    for name in saved.ids:
        known_as = handle(saved.phone.user, saved.ids[name])
        assert (known_as in done.stdout) == (known_as in html) == (name in named)
    assert "nestor-notabilis" in done.stdout
    assert html.count("data:image/webp") == 1
    assert saved.phone.user not in html
    saved.command("shadow", str(saved.data / "candidate"), "--html", str(page), TRAINING="off")
    assert "data:image/webp" not in page.read_text("utf-8"), "people allowed it for training"


def test_what_was_taken_back_while_all_photos_were_judged_is_not_shown(tmp_path: Path) -> None:
    """That takes hours, and the page outlives it."""
    store, photos = SqliteObservations(tmp_path / "observations.db"), MemoryPhotos()
    allowed = replace(processed(1, "0" * 16), consent=Consent(given=True, at=NOW))
    judged, _ = store.create(allowed)
    photos.upload("derived/a", b"copy")
    assert picture(judged, store, photos) == b"copy"
    store.replace(replace(judged, consent=Consent(given=False, at=NOW)))
    assert picture(judged, store, photos) is None


def test_a_candidate_with_another_network_is_refused(saved: Saved, tmp_path: Path) -> None:
    """Its heads would be asked about features that mean something else."""
    folder = candidate(tmp_path / "other")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["backbone.npz"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    done = saved.command("shadow", str(folder))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "another network" in done.stderr


@pytest.mark.parametrize("name", [CLEAR, DOUBTFUL, NO_PARROT, HEIC])
def test_a_decision_is_repeated_to_the_last_digit(saved: Saved, name: str) -> None:
    """What a person complains about can be looked into, with a second look and from a HEIC too."""
    name = handle(saved.phone.user, saved.ids[name])
    done = saved.command("replay", name)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("repeated to the last digit, by bundle")


def test_a_decision_that_comes_out_otherwise_shows_by_how_much(saved: Saved) -> None:
    """On another processor, for example: the last digits depend on the order of additions."""
    stored = saved.store.get(saved.phone.user, saved.ids[CLEAR])
    assert stored is not None
    assert stored.verdict is not None
    nudged = stored.verdict.parrot_probability - 2e-7
    changed = saved.store.replace(
        replace(stored, verdict=replace(stored.verdict, parrot_probability=nudged))
    )
    assert changed is not None
    done = saved.command("replay", saved.ids[CLEAR])
    assert (done.exit_code, "differ by up to 2e-07" in done.stdout) == (1, True), done.stdout
    assert repr(nudged) in done.stdout
    saved.store.replace(replace(changed, verdict=stored.verdict))
