"""What the service costs a month: `python deploy/costs.py` prints the tables of docs/operations.md.

Prices are in prices.csv, with their source and the day they were read; what one photo uses is in
Usage, below. Change either and run it again.
"""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import dataclass
from pathlib import Path

_DAY, _MONTH_DAYS = 86_400, 30.4
_BEGIN, _END = "<!-- costs: begin -->\n", "<!-- costs: end -->"
_CENTS, _ROUND = 2, 100  # above a hundred dollars nobody asks for cents
PHOTOS_A_DAY = (0, 1_000, 100_000, 10_000_000)


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
    model_cores: int = 4
    probes: float = 6 * 24 * 12  # a day: the uptime check asks from six places every five minutes
    process_cpu: float = 0.35  # decode, two WebP files, hash, a classification
    original_gb: float = 0.003
    derived_gb: float = 0.00015
    document_gib: float = 3 / 2**20  # with its index entries
    log_gib: float = 1.2 / 2**20  # our line and Cloud Run's request line
    months: int = 12  # of photos kept, for the stored data
    nearline_after: int = 3  # months


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a part, its driver, and dollars a month for each load."""

    part: str
    driver: str
    dollars: tuple[float, ...]


class Prices:
    """Dollars for an amount, after what is free every month."""

    def __init__(self, path: Path) -> None:
        """Read the table."""
        with path.open(encoding="utf-8", newline="") as file:
            self._rows = {row["item"]: row for row in csv.DictReader(file)}

    def cost(self, item: str, amount: float) -> float:
        """Dollars for a month's amount."""
        row = self._rows[item]
        return max(0.0, amount - float(row["free_per_month"])) * float(row["usd"])

    @property
    def read_on(self) -> str:
        """The oldest day on which a price was read."""
        return min(row["read_on"] for row in self._rows.values())


def billed_seconds(requests: float, seconds: float, cpu: float, cores: int, usage: Usage) -> float:
    """Instance-seconds a day. Few requests are alone in an instance; many share a few instances.

    Cloud Run bills an instance while at least one request is in it, in steps of 100 ms.
    """
    seconds = math.ceil(seconds * 10) / 10
    rate = requests / (usage.busy_hours * 3600)
    alone = usage.busy_hours * 3600 * (1 - math.exp(-rate * seconds))
    return max(alone, requests * cpu / (usage.packed * cores))


def lines(prices: Prices, usage: Usage) -> list[Line]:
    """All rows; --models run."""
    loads = [_Load(photos, usage) for photos in PHOTOS_A_DAY]

    def row(part: str, driver: str, *items: tuple[str, str]) -> Line:
        dollars = tuple(
            sum(prices.cost(item, getattr(load, amount)) for item, amount in items)
            for load in loads
        )
        return Line(part, driver, dollars)

    return [
        row(
            "functions and model server",
            "CPU-seconds, memory, requests",
            ("run.cpu", "cpu"),
            ("run.memory", "memory"),
            ("run.requests", "requests"),
        ),
        row(
            f"photos, after {usage.months} months",
            "GB kept",
            ("storage.standard", "standard_gb"),
            ("storage.nearline", "nearline_gb"),
        ),
        row(
            "requests to storage",
            "uploads, reads, moves to nearline",
            ("storage.class_a", "class_a"),
            ("storage.class_b", "class_b"),
            ("storage.class_a_nearline", "saved"),
        ),
        row(
            "Firestore",
            "documents read and written",
            ("firestore.reads", "reads"),
            ("firestore.writes", "writes"),
            ("firestore.storage", "documents_gib"),
        ),
        row("answers to phones, by Hosting", "GB sent", ("hosting.out", "sent_gb")),
        row("events", "bytes", ("pubsub.bytes", "events_tib")),
        row("logs", "GiB", ("logging.bytes", "logs_gib")),
        row(
            "images and secret",
            "GB kept, versions",
            ("registry.storage", "images_gb"),
            ("secrets.versions", "versions"),
        ),
    ]


class _Load:
    """A month at so many photos a day, in the units of the prices."""

    def __init__(self, photos: float, usage: Usage) -> None:
        saved = photos * usage.saved
        pages = saved * usage.read_pages
        classify = billed_seconds(
            photos + usage.probes,
            usage.function_cpu + usage.function_wait,
            usage.function_cpu,
            1,
            usage,
        )
        save = billed_seconds(saved, 0.3, usage.function_cpu, 1, usage)
        process = billed_seconds(saved, usage.process_cpu + 0.2, usage.process_cpu, 1, usage)
        read = billed_seconds(pages, 0.1, 0.02, 1, usage)
        model = billed_seconds(
            photos + saved + usage.probes,
            usage.model_cpu + 0.02,
            usage.model_cpu,
            usage.model_cores,
            usage,
        )
        self.cpu = _MONTH_DAYS * (classify + save + process + read + usage.model_cores * model)
        self.memory = _MONTH_DAYS * (classify + save + process + 0.5 * read + 2 * model)
        self.requests = _MONTH_DAYS * (2 * (photos + usage.probes) + 3 * saved + pages)
        self.saved = _MONTH_DAYS * saved
        recent = min(usage.months, usage.nearline_after)
        originals = self.saved * usage.original_gb
        self.standard_gb = originals * recent + self.saved * usage.derived_gb * usage.months
        self.nearline_gb = originals * (usage.months - recent)
        self.class_a = 3 * self.saved  # the original and two derived files
        self.class_b = 4 * self.saved + 20 * _MONTH_DAYS * pages  # thumbnails of a page
        self.reads = _MONTH_DAYS * (photos + 12 * saved + 20 * pages)  # quotas, duplicates, pages
        self.writes = _MONTH_DAYS * (photos + 5 * saved)
        self.documents_gib = self.saved * usage.months * usage.document_gib
        self.sent_gb = _MONTH_DAYS * (photos * 2e-6 + pages * 20 * 15e-6)
        self.events_tib = self.saved * 2 * 2 / 2**30
        self.logs_gib = self.requests * usage.log_gib
        self.images_gb = 2.5
        self.versions = 2


def vertex(prices: Prices, usage: Usage) -> tuple[float, ...]:
    """Dollars a month of the nodes instead of a model server on Cloud Run: never fewer than one."""
    dollars = []
    for photos in PHOTOS_A_DAY:
        rate = photos * (1 + usage.saved) / (usage.busy_hours * 3600)
        nodes = max(1, math.ceil(rate * usage.model_cpu / usage.packed / 2))
        dollars.append(prices.cost("vertex.node", nodes * 24 * _MONTH_DAYS))
    return tuple(dollars)


def table(prices: Prices, usage: Usage) -> str:
    """Markdown: dollars a month by part and photos a day."""
    rows = lines(prices, usage)
    totals = tuple(map(sum, zip(*(row.dollars for row in rows), strict=True)))
    heads = [f"{photos:,} a day" if photos else "idle" for photos in PHOTOS_A_DAY]
    out = [f"Dollars a month; list prices read on {prices.read_on}, free tiers counted.\n"]
    out += ["| part | driver | " + " | ".join(heads) + " |", "|---|---|" + "--:|" * len(heads)]
    out += [f"| {row.part} | {row.driver} | {_cells(row.dollars)} |" for row in rows]
    out += [f"| **all** | | {_cells(totals)} |"]
    out += [
        f"| Vertex AI nodes (`--models vertex`) | node-hours | {_cells(vertex(prices, usage))} |"
    ]
    return "\n".join(out) + "\n"


def _cells(dollars: tuple[float, ...]) -> str:
    return " | ".join(f"{value:,.{_CENTS if value < _ROUND else 0}f}" for value in dollars)


def main(arguments: list[str]) -> None:
    """Print the table, or write it into a document between its marks."""
    text = table(Prices(Path(__file__).with_name("prices.csv")), Usage())
    if not arguments:
        print(text, end="")
        return
    document = Path(arguments[0])
    before, _, rest = document.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}{text}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
