"""docs/decisions.md: short enough to be read, and every decision has a reason."""

import re

from local.stack import ROOT

PAGE = (ROOT / "docs" / "decisions.md").read_text("utf-8")
FEWEST_WORDS = 25  # for a context, a decision and what follows from it
MOST_BYTES = 25_000


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, no punctuation, a hyphen for each space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_page_stays_short() -> None:
    """Nobody reads a long list of decisions: an old one goes when a new one comes."""
    assert len(PAGE.encode()) <= MOST_BYTES


def test_links_between_decisions_lead_somewhere() -> None:
    """Headings are renamed when a decision changes."""
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_no_decision_is_only_a_sentence() -> None:
    """Without its reason nobody knows when to decide otherwise."""
    entries = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    short = [text.partition("\n")[0] for text in entries if len(text.split()) < FEWEST_WORDS]
    assert short == []


def test_every_file_that_is_named_exists() -> None:
    """A decision about code that moved is looked for where it was."""
    named = re.findall(
        r"`((?:benchmarks|deploy|docs|functions|local|models|public|shared|tests)/[\w./-]+)`", PAGE
    )
    assert len(named) > 1
    assert [path for path in named if not (ROOT / path).exists()] == []
