"""TensorFlow comes without its chatter, and so do the processes that share its work."""

import sys
from pathlib import Path

import psutil

from tests.support.commands import begun
from tests.support.waiting import until

_WORK = """
import sys
from models.network.lazy_tf import each_on_a_core, tf
print("before", file=sys.stderr)
print(float(tf().reduce_sum([1.0, 2.0])), file=sys.stderr)
grow = "import builtins, time; builtins.kept = b'x' * 350_000_000 * hasattr(builtins, 'kept')"
list(each_on_a_core(exec, [(f"{grow}; time.sleep(1.1)",)] * 6))
print("after", file=sys.stderr)
own = f"os.path.join({sys.argv[1]!r}, str(os.getpid()))"
busy = f"import os, time; open({own}, 'w'); time.sleep(600)"
list(each_on_a_core(exec, [(busy,), (busy,)]))
"""


def test_processes_that_share_work_say_nothing_and_end_with_the_one_that_started_them(
    tmp_path: Path,
) -> None:
    """After a killed `fit` they went on for minutes, and the next one had half of each core.

    A person who waits for `fit` reads what it does, not what oneDNN says of itself. Joblib took the
    photos' maps, which a process keeps and needs again, for a leak, said so, and began anew.
    """

    def workers() -> list[int]:
        return [int(file.name) for file in tmp_path.iterdir()]

    def ended(pid: int) -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    with begun(sys.executable, "-c", _WORK, tmp_path) as process:
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(3)]
        until(lambda: len(workers()) == 2, "both")
        process.kill()
        until(lambda: all(map(ended, workers())), "the end of both")
    assert told == ["before\n", "3.0\n", "after\n"]
