"""What an answer means, and the words for it: the same as on the page.

The states and their sentences are in `public/words/answers.json`; `public/app/answer.js` finds the
state for the page, this module for the terminal.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from models import folders

Json = Mapping[str, Any]

_VERDICTS = ("yes", "maybe", "no")


@dataclass(frozen=True, slots=True)
class Meaning:
    """One state of `answers.json`, and what its sentences are about."""

    state: str
    named: tuple[Json, ...]  # the kinds that it may be, likeliest first
    group: Json | None  # the taxon to name where no kind is sure
    alike: tuple[Json, ...] = ()  # what looks like the one kind, and the model does not know

    def headline(self, language: str = "en") -> str:
        """What it is, in a few words."""
        return self._filled(self._texts(language)[0], language)

    def detail(self, language: str = "en") -> str:
        """The kinds that the headline leaves open, or why it is not a parrot."""
        _, words, *title = self._texts(language)
        names = [row["names"][language] for row in self.alike or self.named]
        if title and not all(name in self.headline(language) for name in names):
            return f"{title[0]}: {', '.join(names)}"
        return "" if "{count}" in words else self._filled(words, language)

    def _texts(self, language: str) -> list[str]:
        texts: list[str] = table()["states"][self.state][language]
        return texts

    def _filled(self, text: str, language: str) -> str:
        a, b, *_ = *(row["names"][language] for row in self.named), "", ""
        return text.format(a=a, b=b, group=self.group["names"][language] if self.group else "")


@cache
def table() -> Any:  # noqa: ANN401 - JSON
    """Every state with its sentences, and the thresholds between states."""
    return json.loads((folders.ROOT / "public" / "words" / "answers.json").read_text("utf-8"))


def interpret(answer: Json) -> Meaning:
    """The state of an answer of `POST /classify`."""
    verdict, species = _verdict(answer), answer["species"]
    if verdict == "no":
        return Meaning(_refusal(answer), (), None)
    ids = answer["set"]["species"] if "set" in answer else [row["id"] for row in species[:1]]
    likely = [row for row in species if row["id"] in ids]
    taxon = answer.get("taxon")
    wider = taxon is not None and taxon["rank"] != "species" and taxon["id"] not in ids
    state = f"{verdict}.{_certainty(answer, likely, wider=wider)}"
    known = state if state in table()["states"] else f"{verdict}.few"
    alike = tuple(answer["look_alikes"]) if known.endswith("alike") else ()
    return Meaning(known, tuple(likely), taxon if wider else None, alike)


def _verdict(answer: Json) -> str:
    parrot = answer["parrot"]
    if parrot.get("verdict") in _VERDICTS:
        return str(parrot["verdict"])
    return "yes" if parrot["is_parrot"] else "no"


def _refusal(answer: Json) -> str:
    state = f"no.{answer.get('reason')}"
    if state in table()["states"]:
        return state
    return "no.sure" if answer["parrot"]["probability"] < table()["unsure_from"] else "no.unsure"


def _certainty(answer: Json, likely: Sequence[Json], *, wider: bool) -> str:
    if not answer.get("agree", True):
        return "different"
    if wider:
        return "group"
    if len(likely) != 1:
        return {0: "unknown", 2: "two"}.get(len(likely), "few")
    if _verdict(answer) != "yes":
        return "one"
    unclear = likely[0]["probability"] < table()["clear_from"]
    if "look_alikes" in answer:
        return "likely_alike" if unclear else "alike"
    return "likely" if unclear else "one"
