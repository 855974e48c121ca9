"""What heads answer that never saw the photo: fitted for each fold without its photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from models.data.samples import JUDGED
from models.training.heads import Logits, fit_heads

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.arrays import Index
    from models.data.dataset import Dataset, Folds

T = TypeVar("T")


def on_all_cores(work: Callable[[Index, Index], T], folds: Folds) -> list[tuple[Index, T]]:
    """Each fold's test photos and result; one fold a core, each on one thread.

    Twice as many threads as cores wait for each other.
    """
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn brings it

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        done = Parallel(n_jobs=-1, prefer="threads")(delayed(work)(*fold) for fold in folds)
    return [(test, result) for (_, test), result in zip(folds, done, strict=True)]


def cross_fitted(data: Dataset) -> Logits:
    """Logits for each photo by heads that were fitted without its fold."""

    def held_out(train: Index, test: Index) -> Logits:
        heads = fit_heads(data, data.usable(train, test))
        return heads.logits(data.features[test, :JUDGED], data.signs[test, :JUDGED])

    return Logits.joined(on_all_cores(held_out, data.folds))
