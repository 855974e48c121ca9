"""Classify photos over HTTP, and print the answers for a person or a program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from rich.table import Table

from local.samples import MACAW

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPLANATION = (
    "Is it a parrot, and which one? Give photos: [bold]./dev.sh demo PHOTO...[/bold]\n"
    "[dim]Without any, here are a drawing made for this project and two photographs"
    " that come with scikit-learn (not parrots)."
)
_TIMEOUT_SECONDS = 60
_CREATED, _SAVED_BEFORE = 201, 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answers for one photo, or for several of one bird.

    `saved` is None if it was not to be saved.
    """

    paths: tuple[Path, ...]
    status: int
    body: dict[str, Any]
    saved: str | None = None

    @property
    def failed(self) -> bool:
        """Whether this is an error rather than a classification."""
        return self.status >= 400  # noqa: PLR2004 - where HTTP's errors begin

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


def ask_all(url: str, photos: Sequence[Path], *, together: bool, save: bool) -> list[Answer]:
    """One answer for each photo, or one for all of them."""
    birds = [photos] if together else [[photo] for photo in photos]
    return [_ask(url, bird, save=save) for bird in birds]


def _ask(url: str, photos: Sequence[Path], *, save: bool) -> Answer:
    """Classify photos of one bird over HTTP; save each as the best species if it is a parrot."""
    files = [("image", (photo.name, photo.read_bytes())) for photo in photos]
    response = requests.post(
        f"{url}/parrot-classifier/classify", files=files, timeout=_TIMEOUT_SECONDS
    )
    body = response.json()
    saved = None
    if save and response.ok and body["species"]:
        best = body["species"][0]["id"]
        saved = "\n".join(_save(url, name, data, best) for _, (name, data) in files)
    return Answer(tuple(photos), response.status_code, body, saved)


def table(answers: list[Answer]) -> Table:
    """One row per bird."""
    out = Table()
    for heading in ("photo", "parrot?", "species", "sure"):
        out.add_column(heading, justify="right" if heading == "sure" else "left")
    if any(answer.saved for answer in answers):
        out.add_column("saved")
    for answer in answers:
        row = ["\n".join(path.name for path in answer.paths), *_verdict(answer)]
        out.add_row(*row, *([answer.saved or ""] if len(out.columns) > len(row) else []))
    return out


def _verdict(answer: Answer) -> tuple[str, str, str]:
    if answer.failed:
        return "[red]error", answer.body.get("detail", "?"), str(answer.status)
    probability = answer.body["parrot"]["probability"]
    if not answer.body["parrot"]["is_parrot"]:
        why = answer.body.get("reason", "").replace("_", " ")
        return "no", f"[dim]not a parrot{why and ': '}{why}", f"{1 - probability:.0%}"
    best = answer.body["species"][0]
    name = f"[bold]{best['names']['en']}[/bold] [italic dim]{best['scientific_name']}[/]"
    likely = len(answer.body.get("set", {}).get("species", [best["id"]]))
    if likely == 0:
        name += "\n[dim]not sure: it is not close to any known species[/]"
    elif not answer.body.get("agree", True):
        name += "\n[dim]the photos may show different birds, see --json[/]"
    elif likely > 1:
        name += f"\n[dim]not sure: one of {likely}, see --json[/]"
    return f"[green]yes[/green], {probability:.0%}", name, f"{best['probability']:.0%}"


def _with_path(answer: dict[str, Any], path: Path) -> dict[str, Any]:
    return {**answer, "photo": {**answer.get("photo", {}), "path": str(path)}}


def _save(url: str, name: str, data: bytes, species: str) -> str:
    response = requests.post(
        f"{url}/parrot-classifier/save",
        files={"image": (name, data)},
        data={"species": species},
        headers={"Authorization": "Bearer local:demo"},
        timeout=_TIMEOUT_SECONDS,
    )
    body = response.json()
    if response.status_code in {_CREATED, _SAVED_BEFORE}:
        again = " (again)" if response.status_code == _SAVED_BEFORE else ""
        return f"{body['id']}{again}"
    return f"{response.status_code} {body['detail']}"
