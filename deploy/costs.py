"""What the service costs a month, from the CPU that one photo takes.

`python3 deploy/costs.py` prints the table of docs/operations.md. Prices are in prices.csv, with
their source and the day they were read; what one photo uses is in Usage, below. Change either and
run it again, or give it what `./dev.sh bench --json` measured, and your own numbers of photos.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MONTH_DAYS = 30.4
_BEGIN, _END = "<!-- costs: begin -->\n", "<!-- costs: end -->"
_DEAREST = "dearest"
_CENTS, _ROUND = 2, 100  # above a hundred dollars nobody asks for cents
_PHOTOS_A_DAY = (0, 1_000, 100_000, 10_000_000)
# One photo in a hundred may wait longer than this for a core of an instance.
_WAIT_SECONDS, _WAIT_SHARE = 0.1, 0.01
# What is paid for, what drives it, and how the names of its prices begin.
_PARTS = (
    ("functions and model server", "CPU-seconds, memory, requests", ("run.",)),
    ("photos, after {months} months", "GB kept", ("storage.standard", "storage.nearline")),
    ("requests to storage", "uploads, reads, moves to nearline", ("storage.class_",)),
    ("Firestore", "documents read and written", ("firestore.",)),
    ("answers to phones, by Hosting", "GB sent", ("hosting.",)),
    ("events", "bytes", ("pubsub.",)),
    ("logs", "GiB", ("logging.",)),
    ("images and secret", "GB kept, versions", ("registry.", "secrets.")),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one photo needs. CPU times were measured on one core; shares are guesses."""

    saved: float = 0.1  # of the classified photos
    read_pages: float = 2.0  # pages of 20 observations, for each saved photo
    busy_hours: float = 12.0  # of the day, in which all requests come
    packed: float = 0.6  # how much of its CPU an instance uses where there is enough to do
    function_cpu: float = 0.045  # seconds to decode 12 megapixels and answer
    function_wait: float = 0.060  # seconds for the model server and the network
    model_cpu: float = 0.020  # seconds of one core for one forward pass at 320 px
    passes: float = 1.40  # forward passes of a photo: models/default/MODEL_CARD.md, "as they are"
    again_cpu: float = 0.55  # of a second look, two of these passes, as a share of function_cpu
    again_wait: float = 0.040  # seconds
    model_cores: int = 4
    probes: float = 6 * 24 * 12  # a day: the uptime check asks from six places every five minutes
    process_cpu: float = 0.35  # decode, two WebP files, hash, a classification
    original_gb: float = 0.003
    derived_gb: float = 0.00015
    document_gib: float = 3 / 2**20  # with its index entries
    log_gib: float = 1.2 / 2**20  # our line and Cloud Run's request line
    photo_log_gib: float = 0.6 / 2**20  # the line of a photo's measures: 0.2 KiB are ours
    months: int = 12  # of photos kept, for the stored data
    nearline_after: int = 3  # months
    learnt: float = 0.5  # of the saved photos: allowed, and confirmed or settled
    learning_cpu: float = 1.0  # seconds of one core for each of these, once a week
    learning_hours: float = 3.0  # at most, on so many cores, with so many GiB
    learning_cores: int = 2
    learning_gib: float = 4.0

    @property
    def again(self) -> float:
        """The share of photos that are looked at a second time."""
        return (self.passes - 1) / 2


class Prices:
    """Dollars for an amount in a region, after what is free every month.

    An item's last row is for regions that no other names: the same everywhere, or the `dearest`.
    """

    def __init__(self, path: Path, region: str) -> None:
        """Read the table."""
        self._region, self._rows = region, dict[str, dict[str, str]]()
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["regions"] in {"", _DEAREST} or region in row["regions"].split():
                    self._rows.setdefault(row["item"], row)

    def cost(self, item: str, amount: float) -> float:
        """Dollars for a month's amount."""
        row = self._rows[item]
        return max(0.0, amount - float(row["free_per_month"])) * float(row["usd"])

    def __str__(self) -> str:
        """Where, the oldest day on which a price was read, and what has another region's."""
        rows = self._rows.values()
        dearest = {row["item"].split(".")[0] for row in rows if row["regions"] == _DEAREST}
        other = f", the dearest region's for {', '.join(sorted(dearest))}" if dearest else ""
        return f"{self._region}: list prices read on {min(row['read_on'] for row in rows)}{other}"


def billed_seconds(requests: float, seconds: float, cpu: float, cores: int, usage: Usage) -> float:
    """Instance-seconds a day. Few requests are alone in an instance; many share a few instances.

    Cloud Run bills an instance while at least one request is in it, in steps of 100 ms.
    """
    seconds = math.ceil(seconds * 10) / 10
    rate = requests / (usage.busy_hours * 3600)
    alone = usage.busy_hours * 3600 * (1 - math.exp(-rate * seconds))
    return max(alone, requests * cpu / (usage.packed * cores))


class _Month:
    """A month at so many photos a day, in the units of the prices; and the busiest second."""

    def __init__(self, photos: int, usage: Usage) -> None:
        self.photos = photos
        saved = photos * usage.saved
        pages = saved * usage.read_pages
        again = usage.again * usage.again_cpu * usage.function_cpu
        cpu, wait = usage.function_cpu + again, usage.function_wait + usage.again * usage.again_wait
        classify = billed_seconds(photos + usage.probes, cpu + wait, cpu, 1, usage)
        save = billed_seconds(saved, 0.3, usage.function_cpu, 1, usage)
        process_cpu = usage.process_cpu + again
        process = billed_seconds(saved, process_cpu + 0.2, process_cpu, 1, usage)
        read = billed_seconds(pages, 0.1, 0.02, 1, usage)
        model = billed_seconds(
            usage.passes * (photos + saved) + usage.probes,
            usage.model_cpu + 0.02,
            usage.model_cpu,
            usage.model_cores,
            usage,
        )
        kept = _MONTH_DAYS * saved
        recent = min(usage.months, usage.nearline_after)
        originals = kept * usage.original_gb
        requests = _MONTH_DAYS * (2 * (photos + usage.probes) + 3 * saved + pages)
        self.amounts = {
            "run.cpu": _MONTH_DAYS * (classify + save + process + read + usage.model_cores * model),
            "run.memory": _MONTH_DAYS
            * (1.5 * (classify + save + process) + 0.5 * read + 2 * model),
            "run.requests": requests,
            "storage.standard": originals * recent + kept * usage.derived_gb * usage.months,
            "storage.nearline": originals * (usage.months - recent),
            "storage.class_a": 3 * kept,  # the original and two derived files
            "storage.class_b": 4 * kept + 20 * _MONTH_DAYS * pages,  # thumbnails of a page
            "storage.class_a_nearline": kept,
            "firestore.reads": _MONTH_DAYS * (photos + 12 * saved + 20 * pages),  # quotas, lists
            "firestore.writes": _MONTH_DAYS * (photos + 5 * saved),
            "firestore.storage": kept * usage.months * usage.document_gib,
            "hosting.out": _MONTH_DAYS * (photos * 2e-6 + pages * 20 * 15e-6),
            "pubsub.bytes": kept * 2 * 2 / 2**30,
            "logging.bytes": requests * usage.log_gib
            + _MONTH_DAYS * (photos + saved) * usage.photo_log_gib,
            "registry.storage": 2.5,
            "secrets.versions": 2,
        }
        self.learning = _learning(kept * usage.months, usage)
        rate = photos / (usage.busy_hours * 3600)
        passes = rate * (1 + usage.saved) * usage.passes
        self.classify_instances = instances(rate, cpu, 1)
        self.model_instances = instances(passes, usage.model_cpu, usage.model_cores)
        # Of Vertex AI's nodes, which have two cores; there is never less than one.
        nodes = max(1, math.ceil(passes * usage.model_cpu / usage.packed / 2))
        self.node_hours = nodes * 24 * _MONTH_DAYS


def _learning(kept: float, usage: Usage) -> dict[str, float]:
    """What is learnt from once a week: observations are read twice, copies of photos once."""
    photos, runs = kept * usage.learnt, _MONTH_DAYS / 7
    seconds = runs * min(
        photos * usage.learning_cpu / usage.learning_cores, usage.learning_hours * 3600
    )
    return {
        "run.cpu": seconds * usage.learning_cores,
        "run.memory": seconds * usage.learning_gib,
        "firestore.reads": runs * kept * 2,
        "storage.class_b": runs * photos,
    }


def instances(rate: float, cpu: float, cores: int) -> int:
    """The fewest that keep the promise of _WAIT_SECONDS when photos arrive at random.

    Erlang's formula C: photos wait in one queue for the first core that is free. It takes their
    times for random too, so it errs on the safe side by one or two instances in a hundred. Cold
    starts and larger photos come on top.
    """
    load = rate * cpu  # cores that are busy on average
    count = int(load / cores) + 1
    while _waiting(count * cores, load, cpu) > _WAIT_SHARE:
        count += 1
    return count


def _waiting(cores: int, load: float, cpu: float) -> float:
    """The share of photos that wait longer than _WAIT_SECONDS."""
    blocked = 1.0
    for number in range(1, cores + 1):
        blocked = load * blocked / (number + load * blocked)
    at_all = blocked / (1 - load / cores * (1 - blocked))
    return at_all * math.exp(-(cores - load) * _WAIT_SECONDS / cpu)


def table(prices: Prices, usage: Usage, photos_a_day: Sequence[int]) -> str:
    """Markdown: dollars a month by part and photos a day, and the instances of the busy hours."""
    months = [_Month(photos, usage) for photos in photos_a_day]
    heads = " | ".join(f"{month.photos:,} a day" if month.photos else "idle" for month in months)
    out = [
        f"Dollars a month in {prices}; free tiers counted.\n",
        f"| part | driver | {heads} |",
        "|---|---|" + "--:|" * len(months),
    ]
    totals = [0.0] * len(months)
    for part, driver, items in _PARTS:
        dollars = [
            sum(prices.cost(*paid) for paid in month.amounts.items() if paid[0].startswith(items))
            for month in months
        ]
        totals = [total + more for total, more in zip(totals, dollars, strict=True)]
        out.append(f"| {part.format(months=usage.months)} | {driver} | {_cells(dollars)} |")
    out.append(f"| **all** | | {_cells(totals)} |")
    learning = [
        sum(
            prices.cost(item, month.amounts[item] + more) - prices.cost(item, month.amounts[item])
            for item, more in month.learning.items()
        )
        for month in months
    ]
    out.append(f"| learning (`LEARNING=true`) | saved photos, each week | {_cells(learning)} |")
    nodes = [prices.cost("vertex.node", month.node_hours) for month in months]
    out.append(f"| Vertex AI nodes (`--models vertex`) | node-hours | {_cells(nodes)} |")
    for part, name in (("classify", "classify_instances"), ("model server", "model_instances")):
        counts = " | ".join(f"{getattr(month, name):,}" for month in months)
        out.append(f"| instances of {part} in busy hours | CPU of a photo | {counts} |")
    return "\n".join(out) + "\n"


def ceiling(prices: Prices, settings: str) -> float:
    """What Cloud Run costs with every instance that deploy.env.example allows busy all month."""
    found = re.findall(r"\{(\w+)_(CPU|MEMORY|MAX):=(\d+)(Mi|Gi)?\}", settings)
    value = {
        (name, kind): int(size) / (1024 if unit == "Mi" else 1) for name, kind, size, unit in found
    }
    seconds = 24 * 3600 * _MONTH_DAYS
    services = [name for name, kind in value if kind == "MAX" and (name, "MEMORY") in value]
    cpu, memory = (
        sum(value[name, kind] * value[name, "MAX"] for name in services) * seconds
        for kind in ("CPU", "MEMORY")
    )
    return prices.cost("run.cpu", cpu) + prices.cost("run.memory", memory)


def _cells(dollars: list[float]) -> str:
    return " | ".join(f"{value:,.{_CENTS if value < _ROUND else 0}f}" for value in dollars)


def _measured(usage: Usage, run: Path) -> Usage:
    """With the CPU times of a benchmark's first photo, the largest."""
    cpu = json.loads(run.read_text(encoding="utf-8"))["cpu"][0]
    return replace(
        usage, function_cpu=cpu["functions"] / 1000, model_cpu=cpu["model_server"] / 1000
    )


def main() -> None:
    """Print the table, or write it into a document between its marks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("document", nargs="?", type=Path, help="a file whose table is renewed")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="./dev.sh bench --json > FILE")
    parser.add_argument(
        "--photos", type=int, action="append", help="a day; can be repeated", metavar="N"
    )
    parser.add_argument("--region", default="asia-northeast3", help="whose prices")
    arguments = parser.parse_args()
    usage = _measured(Usage(), arguments.bench) if arguments.bench else Usage()
    prices = Prices(Path(__file__).with_name("prices.csv"), arguments.region)
    text = table(prices, usage, arguments.photos or _PHOTOS_A_DAY)
    settings = Path(__file__).parent.with_name("deploy.env.example").read_text(encoding="utf-8")
    most = ceiling(prices, settings)
    text += f"\nWith every instance of `*_MAX` busy all month, Cloud Run alone costs {most:,.0f}.\n"
    if arguments.document is None:
        print(text, end="")
        return
    before, begin, rest = arguments.document.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        parser.error(f"{arguments.document} has no place for the table: {_BEGIN.strip()}")
    arguments.document.write_text(f"{before}{_BEGIN}{text}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
