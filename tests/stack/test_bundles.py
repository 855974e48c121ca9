"""What pages load that others wrote is made when somebody asks for it."""

import sys
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound

from local.gateway import AGAIN_SECONDS, Bundles

# Notes that it ran, and makes the file once it may.
COMMAND = """
from pathlib import Path
with Path("runs").open("a") as runs: runs.write(".")
if Path("network").exists(): Path("vendor/page.js").write_text("made")
"""


def test_a_command_that_fails_is_not_run_again_for_each_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a network npm takes minutes to fail; once there is one, nobody has to start again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vendor").mkdir()
    seconds = 0.0
    bundles = Bundles(tmp_path / "vendor", (sys.executable, "-c", COMMAND), now=lambda: seconds)
    with Flask("page").test_request_context():
        for _ in range(3):
            with pytest.raises(NotFound):
                bundles.answer("page.js")
        assert (tmp_path / "runs").read_text() == "."
        assert caplog.text.count("not tried again for 5 minutes") == 1
        (tmp_path / "network").touch()
        seconds = AGAIN_SECONDS
        for _ in range(2):
            answer = bundles.answer("page.js")
            answer.direct_passthrough = False
            assert answer.get_data() == b"made"
    assert (tmp_path / "runs").read_text() == ".."
