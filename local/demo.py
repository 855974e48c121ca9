"""Classify photos over HTTP, and print the answers for a person or a program."""

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from textwrap import fill
from typing import Any

import requests
from rich.markup import escape
from rich.table import Table

from local.meaning import interpret
from local.samples import MACAW
from parrot.errors import RequestError
from parrot.photo import images
from parrot.photo.headers import SUFFIXES

EXPLANATION = (
    "Is it a parrot, and which one? Give photos: [bold]./dev.sh demo PHOTO...[/bold]\n"
    "[dim]Without any, here are a drawing made for this project and two photographs"
    " that come with scikit-learn (not parrots)."
)
NEXT = (
    "Next: [bold]./dev.sh demo PHOTO...[/bold] with your photos,"
    " or [bold]./dev.sh up[/bold] for the web page."
)
_URL = re.compile("https?:/", re.IGNORECASE)  # a path has one slash where a URL has two
_ID = 36  # letters of an observation's id, which people copy: it is not broken
_TIMEOUT_SECONDS = 60
_CREATED, _SAVED_BEFORE = 201, 200
_TELL_SECONDS = 2.0
_COLOURS = {"yes": "green", "maybe": "yellow"}
_PATH_WIDTH = 40  # longer paths are shown as file names where those differ
# Where the service's own words are for programs, or there was nothing to send to it.
_WORDS = {
    "url": "this is a URL: download it first",
    "no_regular_file": "this is not a regular file",
    "no_such_file": "there is no such file",
    "no_photos": "there are no photos in this folder",
    "unreadable": "this file may not be read",
    "no_answer": "the service did not answer",
    "invalid_image": "damaged, or cut off: it cannot be read as a photo",
    "unsupported_media": "not a photo: JPEG, PNG, WebP, HEIC and AVIF can be read",
    "photo_too_large": "too large: send a smaller copy",
    "conflict": "saved before as another species",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one photo, or of several of one bird.

    `body` is the service's JSON, or a problem of the same form if nothing was sent; `saved` is what
    the table says of saving it, and `refused` whether that failed.
    """

    paths: tuple[Path, ...]
    body: dict[str, Any]
    saved: str = ""
    refused: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was not classified, or not saved though it should have been."""
        return "parrot" not in self.body or self.refused

    def as_json(self) -> str:
        """The HTTP answer on one line, with the path of each photo."""
        if len(self.paths) == 1:
            return json.dumps(_with_path(self.body, self.paths[0]), ensure_ascii=False)
        answers = zip(self.body.get("photos", []), self.paths, strict=False)  # none in an error
        body = {**self.body, "photos": [_with_path(answer, path) for answer, path in answers]}
        return json.dumps(body, ensure_ascii=False)


def samples() -> list[Path]:
    """Pictures that every clone has: a drawing, and two photographs from a package."""
    carried = [
        Path(str(files("sklearn.datasets.images") / name)) for name in ("china.jpg", "flower.jpg")
    ]
    return [MACAW, *carried]


def photos_of(paths: Iterable[Path]) -> list[Path]:
    """The paths, each folder replaced by the photos in and below it, if there are any."""
    chosen: list[Path] = []
    for path in paths:
        chosen += (path.is_dir() and _within(path)) or [path]
    return chosen


def ask_all(  # noqa: PLR0913 - all but the first two by keyword
    url: str,
    photos: Sequence[Path],
    *,
    together: bool,
    save: bool,
    say: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Answer]:
    """An answer per photo, whatever happened to the others, or one for all of them.

    `say` gets progress messages.
    """
    birds = [photos] if together else [[photo] for photo in photos]
    last = now()
    say(f"classifying {len(photos)} photos" if len(photos) > 1 else "classifying")
    for number, bird in enumerate(birds):
        if now() - last > _TELL_SECONDS:
            last = now()
            say(f"classified {number} of {len(birds)}")
        yield ask(url, bird, save=save)


def ask(url: str, photos: Sequence[Path], *, save: bool) -> Answer:
    """Classify photos of one bird over HTTP; save each as the best species if it is a parrot.

    What may be a parrot is not saved: nobody has seen that it is one.
    """
    paths = tuple(photos)
    for place, problem in enumerate(map(_unreadable, photos), 1):
        if problem:
            return Answer(paths, {**_problem(problem), **({"photo": place} if paths[1:] else {})})
    files = [("image", (photo.name, photo.read_bytes())) for photo in photos]
    _, body = _post(f"{url}/parrot-classifier/classify", files=files)
    if not save or not body.get("parrot", {}).get("is_parrot"):
        return Answer(paths, body)
    best = body["species"][0]["id"]
    texts, refused = zip(*(_save(url, name, data, best) for _, (name, data) in files), strict=True)
    return Answer(paths, body, "\n".join(texts), refused=any(refused))


def complaint(path: Path) -> str:
    """What is wrong with a path before anything is started, in words; empty for a photo."""
    if problem := _unreadable(path):
        return _WORDS[problem]
    try:
        images.read(path.read_bytes())
    except RequestError as error:
        return _words({"code": error.code, "detail": error.detail})
    return ""


def _unreadable(photo: Path) -> str | None:
    """The code of what is wrong with a path, before anything is sent."""
    if _URL.match(str(photo)):
        return "url"
    if photo.is_dir():
        return "no_photos"
    if photo.exists() and not photo.is_file():
        return "no_regular_file"
    try:
        photo.open("rb").close()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        return "no_such_file" if missing else "unreadable"
    return None


def table(answers: list[Answer]) -> Table:
    """One row per bird."""
    out = Table()
    out.add_column("photo", overflow="fold")
    for heading in ("parrot?", "species"):
        out.add_column(heading)
    if any(answer.saved for answer in answers):
        out.add_column("saved", no_wrap=True)
    shown = _short([path for answer in answers for path in answer.paths])
    for answer in answers:
        names = (shown[path] for path in answer.paths)
        row = [escape("\n".join(names)), *_verdict(answer), answer.saved]
        out.add_row(*row[: len(out.columns)])
    return out


def _short(paths: Sequence[Path]) -> dict[Path, str]:
    """What each path is called in the table: its place below the folder that all are in."""
    whole = {path: path.absolute() for path in paths}
    common = os.path.commonpath([path.parent for path in whole.values()]) if whole else ""
    below = {path: str(place.relative_to(common)) for path, place in whole.items()}
    too_wide = any(len(text) > _PATH_WIDTH for text in below.values())
    if too_wide and len({path.name for path in below}) == len(below):
        return {path: path.name for path in below}
    return below


def _verdict(answer: Answer) -> tuple[str, str]:
    if "parrot" not in answer.body:
        place = answer.body.get("photo")  # which one of several; the service counts from 1
        which = f"{escape(answer.paths[place - 1].name)}: " if place else ""
        return "[red]error", which + _words(answer.body)
    meaning = interpret(answer.body)
    verdict, _, certainty = meaning.state.partition(".")
    text = f"[bold]{escape(meaning.headline())}[/bold]"
    if certainty in {"one", "likely", "alike", "likely_alike"} and verdict == "yes":
        text += f" [italic dim]{escape(meaning.named[0]['scientific_name'])}[/]"
    detail = meaning.detail()
    if certainty == "different":
        detail = "\n".join(interpret(photo).headline() for photo in answer.body["photos"])
    if detail:
        text += f"\n[dim]{escape(detail)}[/]"
    if verdict == "no":
        return "no", text
    colour, probability = _COLOURS[verdict], answer.body["parrot"]["probability"]
    return f"[{colour}]{verdict}[/{colour}], {probability:.0%}", text


def _with_path(answer: dict[str, Any], path: Path) -> dict[str, Any]:
    return {**answer, "photo": {**answer.get("photo", {}), "path": str(path)}}


def _words(problem: dict[str, Any]) -> str:
    return escape(_WORDS.get(problem["code"], problem["detail"]))


def _save(url: str, name: str, data: bytes, species: str) -> tuple[str, bool]:
    """What the table says of it, and whether it was refused."""
    status, body = _post(
        f"{url}/parrot-classifier/save",
        files={"image": (name, data)},
        data={"species": species},
        headers={"Authorization": "Bearer local:demo"},
    )
    if status in {_CREATED, _SAVED_BEFORE}:
        again = "\n(again)" if status == _SAVED_BEFORE else ""
        return f"{body['id']}{again}", False
    return f"[red]no:[/red] {fill(_words(body), _ID)}", True


def _post(url: str, **request: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - for requests
    """Status and JSON, good or bad, or 0 and a problem of the same form; never an exception."""
    try:
        response = requests.post(url, timeout=_TIMEOUT_SECONDS, **request)
        return response.status_code, response.json()
    except requests.RequestException:
        return 0, _problem("no_answer")


def _problem(code: str) -> dict[str, Any]:
    return {"code": code, "detail": _WORDS[code]}


def _within(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
