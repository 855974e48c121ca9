"""Parts whose starter is killed."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

# A part that starts another process in a group of its own, as firebase-tools does, and ends.
EMULATORS = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
      start_new_session=True).pid, flush=True)
"""
STARTER = """
import sys, time
from pathlib import Path
from local.supervisor import Part, Supervisor
with Supervisor(Path(sys.argv[1])) as supervisor:
    supervisor.start(Part("emulators", [sys.executable, "-c", sys.argv[2]], "", lambda: True))
    time.sleep(600)
"""


def test_nothing_outlives_a_killed_starter(tmp_path: Path) -> None:
    """Firestore emulators ran for hours after their tests were killed."""
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path), EMULATORS])
    log = tmp_path / "emulators.log"
    while not log.is_file() or not log.read_text().endswith("\n"):
        assert starter.poll() is None
        time.sleep(0.05)
    orphan = psutil.Process(int(log.read_text()))
    starter.kill()
    starter.wait()
    gone, _ = psutil.wait_procs([orphan], timeout=60)
    assert gone
