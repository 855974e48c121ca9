"""What a person is told about a part that does not start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from local.supervisor import Part, PartFailed, Supervisor

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("program", "end"),
    [("raise SystemExit('no memory')", "ends with:\nno memory"), ("", "is empty")],
)
def test_the_end_of_a_parts_log_is_shown_or_said_to_be_empty(
    tmp_path: Path, program: str, end: str
) -> None:
    """A report that breaks off after "ends with:" looks cut short."""
    part = Part("part", [sys.executable, "-c", program], "http://127.0.0.1:1", lambda: False)
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        with pytest.raises(PartFailed) as caught:
            supervisor.wait(part, timeout=60)
    assert str(caught.value).endswith(end)
