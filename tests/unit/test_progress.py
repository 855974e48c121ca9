"""What a long command says while it runs."""

from __future__ import annotations

import io
import time

from rich.console import Console

from local.progress import steps


def test_a_log_hears_of_each_step_and_again_while_it_lasts() -> None:
    """TensorFlow's first start looked like a hang."""
    out = io.StringIO()
    with steps(Console(file=out), silence=0.05) as say:
        say("building the model")
        time.sleep(0.3)
        say("starting")
    lines = [line.split(" s  ")[1] for line in out.getvalue().splitlines()]
    assert lines[0] == "building the model"
    assert lines.count("still building the model") >= 2
    assert "starting" in lines


def test_a_terminal_sees_the_step_and_a_clock() -> None:
    """The clock starts again with each step."""
    out = io.StringIO()
    with steps(Console(file=out, force_terminal=True)) as say:
        say("building the model")
        time.sleep(0.3)
    assert "building the model" in out.getvalue()
    assert "0:00:00" in out.getvalue()
