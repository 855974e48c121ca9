"""What heads answer that never saw the photo: fitted for each fold without its photos."""

from models.arrays import Index
from models.data.dataset import Dataset
from models.data.samples import JUDGED
from models.training.heads import Logits, fit_heads


def cross_fitted(data: Dataset) -> Logits:
    """Logits for each photo by heads that were fitted without its fold.

    One fold a core, each on one thread: twice as many threads as cores wait for each other.
    """
    from joblib import Parallel, delayed  # noqa: PLC0415 - 0.1 s, not for --help
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as scikit-learn brings it

    def held_out(train: Index, test: Index) -> tuple[Index, Logits]:
        heads = fit_heads(data, data.usable(train, test))
        return test, heads.logits(data.features[test, :JUDGED], data.signs[test, :JUDGED])

    with threadpool_limits(1):
        # Threads share the features; solvers spend their time in BLAS, without the GIL.
        parallel = Parallel(n_jobs=-1, prefer="threads")
        return Logits.joined(parallel(delayed(held_out)(*fold) for fold in data.folds))
