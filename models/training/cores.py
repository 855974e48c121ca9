"""Fitting one fold per core."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.arrays import Index

    Folds = Sequence[tuple[Index, Index]]

T = TypeVar("T")


def on_all_cores(one: Callable[[Index, Index], T], folds: Folds) -> list[T]:
    """One fold a core, each on one thread: twice as many threads as cores wait for each other."""
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn brings it

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        done = Parallel(n_jobs=-1, prefer="threads")(delayed(one)(*fold) for fold in folds)
    return list(done)
