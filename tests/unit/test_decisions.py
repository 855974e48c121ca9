"""Every file that a page names exists; decisions are short and have reasons, defences tests."""

import re

import pytest

from local.stack import ROOT

PAGES = {
    path.name: path.read_text("utf-8")
    for path in (*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
}
PAGE = PAGES["decisions.md"]
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


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    """Code that moved is looked for where it was; a defence without its test is only a claim."""
    named = re.findall(
        r"`((?:benchmarks|deploy|docs|functions|local|models|public|shared|tests)/[\w./-]+)`",
        PAGES[page],
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_asset_of_the_threat_model_has_a_test() -> None:
    """A row without a test is only a wish."""
    rows = [line for line in PAGES["security.md"].splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row.rsplit("|", 2)[1]] == []
