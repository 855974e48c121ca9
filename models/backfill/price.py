"""What a backfill costs, from list prices and the time that one photo takes."""

import csv

from models.folders import ROOT

# One table of prices for everything that is deployed, one for what only a backfill uses.
_TABLES = (ROOT / "deploy" / "prices.csv", ROOT / "models" / "backfill" / "prices.csv")
# Seconds of one core for one photo: 1.4 forward passes; a worker's reading, decoding and waiting.
_MODEL_SECONDS, _WORKER_SECONDS = 0.028, 0.105
_MODEL_GIB, _WORKER_GIB = 2.0, 3.75
_HOUR = 3600


def price(photos: int, scanned: int, *, dataflow: bool) -> dict[str, float]:
    """US dollars at list prices, by what they are paid for, for `photos` among `scanned`.

    Each observation is read while they are found; one that is judged is read twice more, before
    its photo is read and when its verdict is written. Direct's worker is this machine: free.
    """
    usd: dict[str, float] = {}
    for table in _TABLES:
        with table.open(encoding="utf-8", newline="") as file:
            usd |= {row["item"]: float(row["usd"]) for row in csv.DictReader(file)}
    worker = (usd["dataflow.cpu"] + usd["dataflow.memory"] * _WORKER_GIB) / _HOUR
    model = usd["run.cpu"] + usd["run.memory"] * _MODEL_GIB
    reads, writes = scanned + 2 * photos, photos
    costs = {
        "store": reads * usd["firestore.reads"] + writes * usd["firestore.writes"],
        "photos": photos * usd["storage.class_b"],
        "model server": photos * _MODEL_SECONDS * model,
        "workers": photos * _WORKER_SECONDS * worker if dataflow else 0.0,
    }
    return {**costs, "total": sum(costs.values())}
