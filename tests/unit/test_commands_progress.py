"""What the models' commands log while they work without a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from models.cli import console

if TYPE_CHECKING:
    import pytest


def test_a_log_gets_a_line_at_each_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading photos takes minutes, and the bar was written to logs only when it was over."""
    out = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=out))
    with console.progress() as (bar, step):
        advance = bar("features", 40)
        for _ in range(5):
            advance(2)
        step("gate: logistic")
    assert out.getvalue().splitlines() == [
        "features: 0 of 40",
        "features: 4 of 40",
        "features: 8 of 40",
        "gate: logistic",
    ]
