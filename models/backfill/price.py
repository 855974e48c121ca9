"""What a backfill costs, from list prices and the time that one photo takes."""

from __future__ import annotations

from dataclasses import dataclass

# US dollars, list prices of us-central1 as remembered on 2026-11-24, without free tiers: check them
# before a large run. A photo is read once; its observation is read twice (found, and read again
# just before it is written) and written once, with its index entries in the price of the write.
PRICES_AS_OF = "2026-11-24"
_FIRESTORE_READ, _FIRESTORE_WRITE = 0.03 / 100_000, 0.09 / 100_000
_STORAGE_READ = 0.0004 / 1_000
_RUN_CPU_SECOND, _RUN_GIB_SECOND = 0.000024, 0.0000025
_DATAFLOW_CPU_HOUR, _DATAFLOW_GIB_HOUR = 0.056, 0.003557
# Per photo, on one CPU: the model's forward pass; a worker's decoding and waiting.
_MODEL_SECONDS, _WORKER_SECONDS = 0.03, 0.06
_MODEL_GIB, _WORKER_GIB = 2.0, 3.75
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars by what they are paid for."""

    store: float
    photos: float
    model_server: float
    workers: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.store + self.photos + self.model_server + self.workers


def price(photos: int, scanned: int, *, dataflow: bool) -> Price:
    """For `photos` to judge again among `scanned` observations; Direct's worker costs nothing."""
    cpu, gib = _DATAFLOW_CPU_HOUR, _DATAFLOW_GIB_HOUR * _WORKER_GIB
    worker = (cpu + gib) / _HOUR * _WORKER_SECONDS if dataflow else 0.0
    model = (_RUN_CPU_SECOND + _RUN_GIB_SECOND * _MODEL_GIB) * _MODEL_SECONDS
    return Price(
        store=scanned * _FIRESTORE_READ + photos * (2 * _FIRESTORE_READ + _FIRESTORE_WRITE),
        photos=photos * _STORAGE_READ,
        model_server=photos * model,
        workers=photos * worker,
    )
