"""The threat model names tests; they have to be there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"


def test_every_test_that_the_threat_model_names_exists() -> None:
    """A defence whose test was renamed only looks tested."""
    named = re.findall(r"`(tests/[^`]+)`", PAGE.read_text("utf-8"))
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_asset_has_a_test() -> None:
    """A row without a test is only a wish."""
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row.rsplit("|", 2)[1]] == []
