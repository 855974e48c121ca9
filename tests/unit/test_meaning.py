"""What answers mean, in words: no sentence contradicts another, or a number."""

import re

import pytest

from local.meaning import interpret, table
from parrot.records import Reason
from tests.support.answers import CASES

LANGUAGES = ("en", "ko")


def test_each_answer_is_in_its_state() -> None:
    """The page's tests walk through the same answers."""
    for name, (state, answer) in CASES.items():
        assert interpret(answer).state == state, name


def test_every_state_has_an_answer_and_every_reason_a_state() -> None:
    """A state that nothing reaches would be words that nobody checks."""
    assert {state for state, _ in CASES.values()} == set(table()["states"])
    assert {f"no.{reason}" for reason in Reason} <= set(table()["states"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_state_names_only_what_it_knows(language: str) -> None:
    """`{b}` of one kind, or a group that nothing is sure of, would be a gap in the sentence."""
    known = {
        "yes.two": {"a", "b"},
        "yes.group": {"group"},
        "maybe.group": {"group"},
        **{f"yes.{state}": {"a"} for state in ("one", "likely", "alike", "likely_alike", "few")},
    }
    for state, sentences in table()["states"].items():
        named = set(re.findall(r"\{(\w+)\}", " ".join(sentences[language]))) - {"count"}
        assert named == known.get(state, set()), state


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terminal_names_no_kind_outside_the_set(language: str) -> None:
    """A name or two of 7 and 1 % beside "Australian parakeets" were of other families."""
    for name, (_, answer) in CASES.items():
        meaning = interpret(answer)
        text = f"{meaning.headline(language)}\n{meaning.detail(language)}"
        likely = answer.get("set", {}).get("species", [])
        for row in answer["species"]:
            assert (row["names"][language] in text) == (row["id"] in likely), (name, text)
        assert not re.search(r"[{}]|  |: *$", text), (name, text)
