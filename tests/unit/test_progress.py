"""What a long command says while it runs."""

import io
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console

from local.progress import steps
from models.cli import console
from models.data.features import _opened
from tests.support.waiting import until


def test_a_log_gets_a_line_for_each_step_and_while_it_lasts() -> None:
    """TensorFlow's first start looked like a hang."""
    out = io.StringIO()
    with steps(Console(file=out), silence=0.01) as say:
        say("building the model")
        until(lambda: out.getvalue().count("still building the model") >= 2, "two lines")
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
        until(lambda: "building the model \x1b[33m0:00:01" in out.getvalue(), "a second")
        say("starting")
        until(lambda: "starting \x1b[33m0:00:00" in out.getvalue(), "the next step")


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


def test_a_full_disk_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written before stays, and the same command goes on once there is room."""
    cache, limits = tmp_path / "features.sqlite", resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    keys, features = [b"1", b"2"], np.zeros((2, 40_000), np.float32)
    with _opened(cache) as kept:
        kept.write("features", keys[:1], features[:1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (cache.stat().st_size, limits[1]))
    try:
        with pytest.raises(typer.Exit), console.errors(), _opened(cache) as kept:
            kept.write("features", keys[1:], features[1:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert "disk" in capsys.readouterr().err
    with _opened(cache) as kept:
        assert [kept.has("features", key) for key in keys] == [True, False]
