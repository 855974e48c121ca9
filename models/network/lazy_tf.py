"""TensorFlow, imported on first use (2.5 s) and with its log messages turned off."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_PROCESSES = 2  # each keeps the maps of all photos in memory


@cache
def tf() -> Any:
    """The module; it uses an accelerator if it finds one."""
    from models.serving.quiet_tf import tf as module  # noqa: PLC0415

    return module


def each_on_a_core(work: Callable[..., T], jobs: Sequence[tuple[Any, ...]]) -> Iterator[T]:
    """`work(*job)` for every job, in their order, in processes of one thread each.

    Two threads of one process take as long as one, and do not always add up in the same order.
    """
    from joblib import Parallel, delayed, parallel_config  # noqa: PLC0415 - 0.1 s, not for --help

    shared = bool(tf().config.list_physical_devices("GPU"))  # one process takes all of its memory
    with parallel_config("loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=1 if shared else _PROCESSES, return_as="generator")
        yield from parallel(delayed(_alone)(os.getpid(), work, job) for job in jobs)


def _alone(starter: int, work: Callable[..., T], job: tuple[Any, ...]) -> T:
    if os.getpid() != starter:
        from joblib.externals.loky import process_executor  # noqa: PLC0415 - as above

        # joblib would take the maps of all photos for a leak, and begin again in a new process.
        process_executor._USE_PSUTIL = False  # noqa: SLF001
        _end_with(starter)
    threads = tf().config.threading
    threads.set_intra_op_parallelism_threads(1)
    threads.set_inter_op_parallelism_threads(1)
    return work(*job)


@cache
def _end_with(starter: int) -> None:
    """End this process soon after the one that started it: joblib's go on if that is killed."""

    def watch() -> None:
        while os.getppid() == starter:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
