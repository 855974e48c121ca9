"""The README's first command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

from local import note, stack
from local.cli import app
from local.samples import MACAW
from local.stack import ROOT
from tests.support import commands
from tests.support.phone import Phone
from tests.support.photos import named


class Up(NamedTuple):
    """A stack that is up, whose data folder the demos name: they ask it, and start none."""

    data: Path
    url: str


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["demo", *arguments], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def up(running: stack.Running, data: Path) -> Iterator[Up]:
    with note.noted(running, data, stack.DEFAULT_BUNDLE):
        yield Up(data, running.url)


def test_json_is_the_http_answer_with_the_path_one_line_a_photo(
    photos: Path, tmp_path: Path, shared_model: str
) -> None:
    """Programs read it; relative paths are those of the caller. The stack runs meanwhile."""
    parrots = photos / "parrots"
    chosen = [named(parrots / label, 3)[2] for label in ("cockatiel", "galah", "sun-conure")]
    bird = named(photos / "other_birds" / "golden-eagle")[0]
    (tmp_path / "bird.jpg").write_bytes(bird.read_bytes())
    options = ("--json", "--data", tmp_path / "data", "--model-server", shared_model)
    done = commands.done(ROOT / "dev.sh", "demo", *options, *chosen, "bird.jpg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["photo"]["path"] for line in lines] == [*map(str, chosen), "bird.jpg"]
    names = [line["species"][0]["names"]["en"] for line in lines[:3]]
    assert names == ["Cockatiel", "Galah", "Sun conure"]
    assert not lines[3]["parrot"]["is_parrot"]


def test_together_asks_for_one_answer(photos: Path, up: Up) -> None:
    """Two photos of one bird are one line, with both paths."""
    chosen = named(photos / "parrots" / "galah", 2)
    done = demo("--json", "--together", "--data", str(up.data), *map(str, chosen))
    assert done.exit_code == 0, done.stderr
    (line,) = (json.loads(line) for line in done.stdout.splitlines())
    assert line["taxon"]["id"] == "eolophus-roseicapilla"
    assert [answer["photo"]["path"] for answer in line["photos"]] == [*map(str, chosen)]


def test_together_names_the_photo_that_cannot_be_read(tmp_path: Path, up: Up) -> None:
    """There is one answer for all of them, so an error without a name blames each."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(MACAW.read_bytes()[:5000])
    for wrong, what in ((broken, "damaged, or cut off"), (tmp_path / "gone.jpg", "no such file")):
        done = demo("--together", "--data", str(up.data), str(MACAW), str(wrong))
        assert done.exit_code == 1
        (error,) = (line for line in done.stdout.splitlines() if what in line)
        assert error.split("│")[3].strip().startswith(f"{wrong.name}: ")


@pytest.mark.smoke
def test_without_photos_it_explains_itself_and_answers_for_samples(up: Up) -> None:
    """A new user may have no photo of a parrot."""
    done = demo("--data", str(up.data))
    assert done.exit_code == 0
    assert "./dev.sh demo PHOTO..." in done.stderr
    assert "./dev.sh up" in done.stderr.splitlines()[-1]
    for name, verdict in (("macaw.jpg", "yes"), ("china.jpg", "no"), ("flower.jpg", "no")):
        (row,) = [line for line in done.stdout.splitlines() if name in line]
        assert row.split("│")[2].strip().startswith(verdict)


def test_where_no_path_is_a_photo_each_is_told_and_nothing_starts(tmp_path: Path) -> None:
    """A typo is the commonest mistake, then a link copied from the browser."""
    (tmp_path / "page.jpg").write_text("<html>")
    typed = (tmp_path / "parot.jpg", "https://example.org/macaw.jpg", tmp_path / "page.jpg")
    done = demo(*map(str, typed))
    assert done.exit_code == 2
    missing, link, page = done.stderr.splitlines()
    assert missing.endswith("parot.jpg: there is no such file")
    assert link.endswith("example.org/macaw.jpg: this is a URL: download it first")
    assert "page.jpg: not a photo" in page


def test_a_stack_that_is_up_is_used(photos: Path, up: Up) -> None:
    """Whoever has one open gets the answer at once, and finds what was saved on its page."""
    (galah,) = named(photos / "parrots" / "galah", 1)
    done = demo("--save", "--data", str(up.data), str(galah))
    assert done.exit_code == 0, done.stderr
    assert up.url in done.stderr
    assert "starting" not in done.stderr
    (saved,) = Phone(up.url, "demo").pages()
    assert saved in done.stdout


def test_each_photo_gets_its_own_answer_whatever_is_wrong_with_the_others(
    tmp_path: Path, up: Up
) -> None:
    """Scripts check the exit code, and read a code for each."""
    folder, empty = tmp_path / "photos", tmp_path / "empty"
    (folder / "deeper").mkdir(parents=True)
    empty.mkdir()
    (folder / "page.jpg").write_text("<html>")
    (folder / "half.jpg").write_bytes(MACAW.read_bytes()[:20_000])
    (folder / "notes.txt").write_text("not a photo, and not called one")
    (folder / "deeper" / "MACAW.JPG").write_bytes(MACAW.read_bytes())
    asked = [str(tmp_path / "gone.jpg"), str(empty), str(folder)]
    done = demo("--json", "--data", str(up.data), *asked)
    assert done.exit_code == 1, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    answers = [(line["photo"]["path"], line.get("code")) for line in lines]
    assert answers == [
        (asked[0], "no_such_file"),
        (asked[1], "no_photos"),
        (str(folder / "deeper" / "MACAW.JPG"), None),
        (str(folder / "half.jpg"), "invalid_image"),
        (str(folder / "page.jpg"), "unsupported_media"),
    ]
