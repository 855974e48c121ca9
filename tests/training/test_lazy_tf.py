"""TensorFlow comes without its chatter."""

import sys
from pathlib import Path

import psutil

from tests.support.commands import done
from tests.support.waiting import kill_once, until

_USE = """
import sys
from models.network.lazy_tf import tf
print("before", file=sys.stderr)
print(float(tf().reduce_sum([1.0, 2.0])))
print("after", file=sys.stderr)
"""


def test_only_our_own_words_reach_standard_error() -> None:
    """A person who waits for `fit` reads what it does, not what oneDNN says of itself."""
    told = done(sys.executable, "-c", _USE)
    assert (told.stdout, told.stderr) == ("3.0\n", "before\nafter\n")


_GROWING = """
from models.network.lazy_tf import each_on_a_core
job = "import builtins, time; builtins.kept = b'x' * 350_000_000 * hasattr(builtins, 'kept')"
list(each_on_a_core(exec, [(f"{job}; time.sleep(1.1)",)] * 6))
"""


def test_a_process_that_keeps_what_it_needs_again_is_not_replaced() -> None:
    """Joblib took the photos' maps for a leak, said so, and TensorFlow was loaded once more."""
    assert done(sys.executable, "-c", _GROWING).stderr == ""


_BUSY = """
import sys
from models.network.lazy_tf import each_on_a_core
own = f"os.path.join({sys.argv[1]!r}, str(os.getpid()))"
job = f"import os, time; open({own}, 'w'); time.sleep(600)"
list(each_on_a_core(exec, [(job,), (job,)]))
"""


def test_processes_that_share_work_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """After a killed `fit` they went on for minutes, and the next one had half of each core."""

    def workers() -> list[int]:
        return [int(file.name) for file in tmp_path.iterdir()]

    def ended(pid: int) -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    kill_once(lambda: len(workers()) == 2, "-c", _BUSY, str(tmp_path))
    until(lambda: all(map(ended, workers())), "the end of both")
