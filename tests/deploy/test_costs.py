"""deploy/costs.py: from the CPU of a photo to instances and dollars."""

import heapq
import json
import random
import sys
from pathlib import Path
from statistics import quantiles

import pytest

from deploy import costs
from tests.deploy.project import ROOT
from tests.support.commands import printed

_PROMISE_SECONDS = 0.1


def _waits(rate: float, cpu: float, cores: int) -> list[float]:
    """Seconds that 20,000 photos wait, arriving at random, each for the first core that is free."""
    arrivals, free, now, waits = random.Random(1), [0.0] * cores, 0.0, []
    for _ in range(20_000):
        now += arrivals.expovariate(rate)
        start = max(now, free[0])
        heapq.heapreplace(free, start + cpu)
        waits.append(start - now)
    return waits


@pytest.mark.parametrize("rate", [1, 100, 10_000])
@pytest.mark.parametrize(("cpu", "cores"), [(0.045, 1), (0.034, 4)])
def test_so_many_instances_keep_their_promise_and_hardly_more_than_the_work_needs(
    rate: float, cpu: float, cores: int
) -> None:
    """Simulated: 99 of 100 photos wait less than a tenth of a second."""
    count = costs.instances(rate, cpu, cores)
    assert quantiles(_waits(rate, cpu, count * cores), n=100)[-1] < _PROMISE_SECONDS
    assert rate * cpu < count * cores < rate * cpu * 1.1 + 2 * cores + 1


def test_a_benchmarks_run_replaces_the_cpu_times(tmp_path: Path) -> None:
    """Twice the work of a photo is twice the instances; what is kept costs the same."""
    run = tmp_path / "run.json"
    run.write_text(json.dumps({"cpu": [{"functions": 90.0, "model_server": 40.0}]}))
    options = ("--photos", "432000000")
    usual, slow = _last_column(*options), _last_column("--bench", str(run), *options)
    instances, photos = "instances of classify in busy hours", "photos, after 12 months"
    assert slow[instances] == pytest.approx(2 * usual[instances], rel=0.05)
    assert slow["functions and model server"] > usual["functions and model server"]
    assert slow[photos] == usual[photos]


def test_the_most_it_can_cost_is_every_allowed_instance_all_month() -> None:
    """Whoever is attacked pays this much at most, and more where Cloud Run is dearer."""
    settings = ': "${A_CPU:=2}"; : "${A_MEMORY:=512Mi}"; : "${A_MAX:=10}"; : "${B_MAX:=3}"'
    here, seoul = (
        costs.ceiling(costs.Prices(ROOT / "deploy/prices.csv", region), settings)
        for region in ("us-central1", "asia-northeast3")
    )
    seconds = 30.4 * 86400
    cpu, memory = 20 * seconds - 180_000, 5 * seconds - 360_000  # after what is free
    assert here == pytest.approx(cpu * 0.000024 + memory * 0.0000025)
    assert seoul == pytest.approx(1.4 * here)


@pytest.mark.parametrize(
    ("region", "item", "usd", "said"),
    [
        ("us-central1", "firestore.reads", 0.3, ""),
        ("asia-northeast3", "firestore.reads", 0.6, "dearest region's for firestore"),
        ("asia-northeast3", "storage.nearline", 16_000, "dearest region's for firestore"),
        ("europe-west1", "storage.nearline", 10_000, "dearest region's for firestore"),
        ("me-central2", "storage.standard", 35_000, "dearest region's for firestore, storage"),
    ],
)
def test_a_price_is_the_regions_own_or_the_dearest_and_says_so(
    region: str, item: str, usd: float, said: str
) -> None:
    """Whoever plans with another region's prices must hear it, and pay less rather than more."""
    prices = costs.Prices(ROOT / "deploy/prices.csv", region)
    million = prices.cost(item, 9_000_000) - prices.cost(item, 8_000_000)
    assert million == pytest.approx(usd)
    assert str(prices).partition(", the ")[2] == said


def _last_column(*options: str) -> dict[str, float]:
    """By part."""
    told = printed(sys.executable, "deploy/costs.py", *options)
    rows = [line.strip("| ").split(" | ") for line in told.split("\n\n")[1].splitlines()[2:]]
    return {row[0]: float(row[-1].strip("| ").replace(",", "")) for row in rows}
