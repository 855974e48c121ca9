"""TensorFlow, imported on first use (2.5 s) and with its log messages turned off."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_PROCESSES = 2  # each keeps the maps of all photos in memory


@cache
def tf() -> Any:
    """The module; it uses an accelerator if it finds one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet():
        import tensorflow as module  # noqa: ICN001, PLC0415 - tf is this function
    module.get_logger().setLevel("ERROR")
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what is written to standard error meanwhile.

    TensorFlow's C++ greets before it has read any setting. What fails is still raised.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is a text
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


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
