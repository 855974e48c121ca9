"""What a backfill costs, from list prices and the time that one photo takes."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from models.folders import ROOT

# One table of prices for everything that is deployed, one for what only a backfill uses.
_TABLES = (ROOT / "deploy" / "prices.csv", ROOT / "models" / "backfill" / "prices.csv")
# Seconds of one core for one photo: the forward pass; a worker's reading, decoding and waiting.
_MODEL_SECONDS, _WORKER_SECONDS = 0.020, 0.105
_MODEL_GIB, _WORKER_GIB = 2.0, 3.75
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars by what they are paid for, at list prices, with nothing taken off as free."""

    store: float
    photos: float
    model_server: float
    workers: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.store + self.photos + self.model_server + self.workers


def price(photos: int, scanned: int, *, dataflow: bool) -> Price:
    """For `photos` to judge again among `scanned` observations.

    Each observation is read while they are found; one that is judged is read twice more, before
    its photo is read and when its verdict is written. Direct's worker is this machine: free.
    """
    usd = _prices()
    worker = (usd["dataflow.cpu"] + usd["dataflow.memory"] * _WORKER_GIB) / _HOUR
    model = usd["run.cpu"] + usd["run.memory"] * _MODEL_GIB
    reads, writes = scanned + 2 * photos, photos
    return Price(
        store=reads * usd["firestore.reads"] + writes * usd["firestore.writes"],
        photos=photos * usd["storage.class_b"],
        model_server=photos * _MODEL_SECONDS * model,
        workers=photos * _WORKER_SECONDS * worker if dataflow else 0.0,
    )


def _prices() -> dict[str, float]:
    """US dollars by item."""
    prices: dict[str, float] = {}
    for table in _TABLES:
        with table.open(encoding="utf-8", newline="") as file:
            prices |= {row["item"]: float(row["usd"]) for row in csv.DictReader(file)}
    return prices
