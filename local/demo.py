"""Classify photos over HTTP, and print the answers for a person or a program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import requests
from rich.table import Table

from local.samples import MACAW

EXPLANATION = (
    "Is it a parrot, and which one? Give photos: [bold]./dev.sh demo PHOTO...[/bold]\n"
    "[dim]Without any, here are a drawing made for this project and two photographs"
    " that come with scikit-learn (not parrots)."
)
_TIMEOUT_SECONDS = 60
_CREATED, _SAVED_BEFORE = 201, 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answers for one photo; `saved` is None if it was not to be saved."""

    path: Path
    status: int
    body: dict[str, Any]
    saved: str | None = None

    @property
    def failed(self) -> bool:
        """Whether this is an error rather than a classification."""
        return self.status >= 400  # noqa: PLR2004 - where HTTP's errors begin

    def as_json(self) -> str:
        """The HTTP answer on one line, with the photo's path."""
        body = {**self.body, "photo": {**self.body.get("photo", {}), "path": str(self.path)}}
        return json.dumps(body, ensure_ascii=False)


def samples() -> list[Path]:
    """Pictures that every clone has: a drawing, and two photographs from a package."""
    carried = [
        Path(str(files("sklearn.datasets.images") / name)) for name in ("china.jpg", "flower.jpg")
    ]
    return [MACAW, *carried]


def ask(url: str, photo: Path, *, save: bool) -> Answer:
    """Classify one photo over HTTP; if it is a parrot, save it as the best species."""
    data = photo.read_bytes()
    response = requests.post(
        f"{url}/parrot-classifier/classify",
        files={"image": (photo.name, data)},
        timeout=_TIMEOUT_SECONDS,
    )
    body = response.json()
    saved = None
    if save and response.ok and body["species"]:
        saved = _save(url, photo, data, body["species"][0]["id"])
    return Answer(photo, response.status_code, body, saved)


def table(answers: list[Answer]) -> Table:
    """One row per photo."""
    out = Table()
    for heading in ("photo", "parrot?", "species", "sure"):
        out.add_column(heading, justify="right" if heading == "sure" else "left")
    if any(answer.saved for answer in answers):
        out.add_column("saved")
    for answer in answers:
        row = [answer.path.name, *_verdict(answer)]
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
    elif likely > 1:
        name += f"\n[dim]not sure: one of {likely}, see --json[/]"
    return f"[green]yes[/green], {probability:.0%}", name, f"{best['probability']:.0%}"


def _save(url: str, photo: Path, data: bytes, species: str) -> str:
    response = requests.post(
        f"{url}/parrot-classifier/save",
        files={"image": (photo.name, data)},
        data={"species": species},
        headers={"Authorization": "Bearer local:demo"},
        timeout=_TIMEOUT_SECONDS,
    )
    body = response.json()
    if response.status_code in {_CREATED, _SAVED_BEFORE}:
        again = " (again)" if response.status_code == _SAVED_BEFORE else ""
        return f"{body['id']}{again}"
    return f"{response.status_code} {body['detail']}"
