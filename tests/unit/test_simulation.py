"""The simulation of instances and cost."""

from __future__ import annotations

import pytest

from benchmarks import simulation
from benchmarks.simulation import WAITING_SECONDS, Times

TIMES = Times(function=0.045, model=0.034)


def test_clients_that_never_pause_get_all_that_the_cores_can_do() -> None:
    """The one point that a run also measures: 8 clients, 2 cores."""
    assert simulation.closed((0.045, 0.034), clients=8, cores=2) == pytest.approx(
        2 / 0.079, rel=0.01
    )


def test_one_client_keeps_one_core_busy() -> None:
    """It waits for its answer before it asks again."""
    assert simulation.closed((0.045, 0.034), clients=1, cores=2) == pytest.approx(1 / 0.079)


@pytest.mark.parametrize("rate", simulation.RATES)
def test_a_fleet_keeps_its_promise_and_no_smaller_one_could_work(rate: int) -> None:
    """Fewer cores than work arrives would queue for ever."""
    fleet = simulation.fleet(rate, TIMES)
    assert fleet.ms.p99 <= (TIMES.function + TIMES.model + WAITING_SECONDS) * 1000
    assert fleet.functions >= rate * TIMES.function * 0.98
    assert fleet.model_servers * simulation.MODEL_CORES >= rate * TIMES.model * 0.98
    assert fleet.functions < rate * TIMES.function * 1.5 + 2


def test_a_photo_costs_less_in_a_large_fleet() -> None:
    """At one photo per second an instance of each kind is mostly idle."""
    small, _, large = (simulation.fleet(rate, TIMES) for rate in simulation.RATES)
    assert large.dollars_per_million < small.dollars_per_million / 10
