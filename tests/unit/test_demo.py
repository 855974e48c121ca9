"""What the demo makes of paths and answers, without a stack."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from local import demo
from local.demo import Answer
from local.samples import MACAW
from tests.support.answers import GALAH, SCARLET, answer

PARROT = answer(0.99, {SCARLET: 0.9})
PROBLEM = {"code": "overloaded", "detail": "too busy [for now]", "status": 503}


def printed(answers: Iterable[Answer]) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(demo.table(list(answers)))
    return capture.get()


def test_a_folder_stands_for_the_photos_in_and_below_it(tmp_path: Path) -> None:
    """In order of name; files that are not photos by name are skipped."""
    (tmp_path / "below").mkdir()
    for name in ("b.HEIC", "a.jpg", "notes.txt", "below/c.webp"):
        (tmp_path / name).touch()
    single = tmp_path / "notes.txt"  # a file that is named is always tried
    assert demo.photos_of([tmp_path, single]) == [
        tmp_path / "a.jpg",
        tmp_path / "b.HEIC",
        tmp_path / "below" / "c.webp",
        single,
    ]


def test_words_replace_codes_where_there_are_any() -> None:
    """Everything else is printed as the service worded it, brackets included."""
    damaged = Answer((Path("a.jpg"),), {"code": "invalid_image", "detail": "broken data stream"})
    text = printed([damaged, Answer((Path("b.jpg"),), PROBLEM)])
    assert "damaged, or cut off" in text
    assert "broken data stream" not in text
    assert "too busy [for now]" in text


def test_rows_show_the_folder_below_the_one_that_all_are_in(tmp_path: Path) -> None:
    """People who sort their photos compare the answer with the folder's name."""
    text = printed(
        [Answer((tmp_path / kind / f"{kind}.jpg",), PARROT) for kind in ("galah", "kea")]
    )
    assert "galah/galah.jpg" in text
    assert str(tmp_path) not in text
    assert "galah" not in printed([Answer((tmp_path / "galah" / "1.jpg",), PARROT)])


def test_a_save_that_is_refused_is_a_failure_too() -> None:
    """The exit code says so; the answer is shown all the same."""
    refused = Answer((Path("a.jpg"),), PARROT, "no: saved before", refused=True)
    assert refused.failed
    assert not Answer((Path("a.jpg"),), PARROT, "some-id").failed
    assert "Scarlet macaw" in printed([refused])


def test_many_photos_are_counted_as_they_go(tmp_path: Path) -> None:
    """Every few seconds, not for each photo: that would flood a log."""
    seconds, lines = itertools.count(), list[str]()
    photos = [tmp_path / f"{number}.jpg" for number in range(9)]
    answers = demo.ask_all(
        "http://127.0.0.1:1",
        photos,
        together=False,
        save=False,
        say=lines.append,
        now=lambda: next(seconds),
    )
    assert len(list(answers)) == 9
    assert lines[0] == "classifying 9 photos"
    assert 1 < len(lines) < 6
    assert lines[-1].endswith("of 9")


def test_ids_are_whole_in_a_narrow_window() -> None:
    """People copy them."""
    saved = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    console = Console(width=80)
    with console.capture() as capture:
        console.print(demo.table([Answer((Path("a-rather-long-name.jpg"),), PARROT, saved)]))
    assert saved in capture.get()


def test_photos_that_contradict_each_other_are_told_by_their_own_names() -> None:
    """One name for two birds would be wrong for one of them."""
    galah, bowl = answer(0.99, {GALAH: 0.9}), answer(0.01, {}, verdict="no")
    body = {**PARROT, "agree": False, "photos": [PARROT, galah, bowl]}
    text = printed([Answer((Path("a.jpg"), Path("b.jpg"), Path("c.jpg")), body)])
    for words in ("Perhaps different birds", "Scarlet macaw", "Galah", "Not a parrot"):
        assert words in text
    assert text.count("Scarlet macaw") == 1


def test_only_what_can_be_sent_passes_before_anything_is_started(tmp_path: Path) -> None:
    """A stack that starts for nothing takes half a minute."""
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "not a regular file" in demo.complaint(tmp_path / "pipe.jpg")
    assert "no photos" in demo.complaint(tmp_path)
    assert "download it first" in demo.complaint(Path("HTTPS://example.org/a.jpg"))
    assert not demo.complaint(MACAW)
