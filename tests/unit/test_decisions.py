"""docs/decisions.md: every decision can be found from its top, and has a reason."""

from __future__ import annotations

import re

from local.stack import ROOT

PAGE = (ROOT / "docs" / "decisions.md").read_text("utf-8")
CONTENTS, SECTIONS = PAGE.split("\n## ", 1)
FEWEST_WORDS = 25  # for a context, a decision and what follows from it


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, no punctuation, a hyphen for each space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_list_at_the_top_is_the_pages_headings() -> None:
    """A decision that is not listed is not found; a link without its heading leads nowhere."""
    links = re.findall(r"\[([^]]+)\]\(#([^)]+)\)", CONTENTS)
    headings = re.findall(r"^### (.+)$", SECTIONS, re.MULTILINE)
    assert links == [(heading, anchor(heading)) for heading in headings]
    subjects = re.findall(r"^\*\*(.+)\*\*$", CONTENTS, re.MULTILINE)
    assert subjects == re.findall(r"^## (.+)$", f"## {SECTIONS}", re.MULTILINE)


def test_links_between_decisions_lead_somewhere() -> None:
    """Headings are renamed when a decision changes."""
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", SECTIONS)) <= anchors


def test_no_decision_is_only_a_sentence() -> None:
    """Without its reason nobody knows when to decide otherwise."""
    entries = re.split(r"^### ", SECTIONS, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    short = [text.partition("\n")[0] for text in entries if len(text.split()) < FEWEST_WORDS]
    assert short == []


def test_every_file_that_is_named_exists() -> None:
    """A decision about code that moved is looked for where it was."""
    named = re.findall(
        r"`((?:benchmarks|deploy|docs|functions|local|models|public|shared|tests)/[\w./-]+)`",
        SECTIONS,
    )
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
