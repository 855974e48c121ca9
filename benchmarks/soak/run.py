"""One soak: start the stack, let people use it, kill parts of it, count what is left."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import photos
from benchmarks.soak.memory import Growth, Watch
from benchmarks.soak.user import Failure, User, verdicts
from local import stack
from local.demo import samples
from local.supervisor import PartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from local.stack import Running

_SETTINGS = {  # quotas are not what is tested; nor is the cache of answers
    "SAVES_PER_DAY": "1000000",
    "RELABELS_PER_DAY": "1000000",
    "CLASSIFICATIONS_PER_MINUTE": "1000000",
    "CLASSIFY_CACHE": "0",
}
# When (as a share of the time) which part is killed, and for how many seconds it stays away.
_ACCIDENTS = ((0.5, "model server", 3.0), (0.6, "process", 1.0))
_WATCHED = ("functions", "model server", "process", "storage events")
_READY_SECONDS, _PROCESSED_SECONDS = 120.0, 180.0
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a soak found."""

    minutes: float
    seconds: Mapping[str, Sequence[float]]
    retries: Mapping[str, int]
    kept: int
    deleted: int
    accidents: tuple[str, ...]
    growth: tuple[Growth, ...]
    failures: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For a person."""
        total = sum(map(len, self.seconds.values()))
        yield f"{self.minutes:g} minutes, {total:,} requests answered"
        for deed, seconds in sorted(self.seconds.items()):
            p50, p99 = np.percentile(seconds, (50, 99)) * 1000
            yield (
                f"  {deed:9} {len(seconds):6,} answered, {self.retries.get(deed, 0):4} retried,"
                f" p50 {p50:,.0f} ms, p99 {p99:,.0f} ms"
            )
        yield from (f"  {accident}" for accident in self.accidents)
        yield f"{self.kept:,} saves kept, {self.deleted:,} deleted, none of either lost or back"
        for part in self.growth:
            yield (
                f"  {part.part:14} {part.warm:6,.0f} MiB warm, {part.end:6,.0f} at the end"
                f" ({part.end / part.warm - 1:+.1%}), {part.peak:,.0f} at most"
            )
        yield from (f"FAILED: {failure}" for failure in self.failures)
        if not self.failures:
            yield "passed: no save lost, no wrong answer, memory flat within 5 %"


def soak(*, minutes: float, users: int, seed: int, say: Callable[[str], None]) -> Report:
    """Raises PartFailed."""
    os.environ.update(_SETTINGS)
    with TemporaryDirectory(prefix="soak-") as folder, stack.running(Path(folder), say=say) as run:
        shown = {f"{sample.name}": sample for sample in photos.load(samples())}
        say("asking for each verdict once")
        expected = verdicts(run.url, shown)
        people = [User(f"soak-{number}", run.url, shown, seed) for number in range(users)]
        watch = Watch(lambda: _pids(run))
        watch.start()
        over, failures = threading.Event(), list[str]()
        with ThreadPoolExecutor(users) as crowd:
            working = [crowd.submit(_work, person, expected, over) for person in people]
            try:
                accidents = tuple(_wait(run, minutes * 60, working, say))
            finally:
                over.set()
            failures += [str(error) for work in working if (error := work.exception())]
        watch.stop()
        say("waiting until everything that was saved is processed")
        failures += _check(people)
        growth = tuple(watch.growth())
    failures += [
        f"the {part.part} grew from {part.warm:.0f} to {part.end:.0f} MiB"
        for part in growth
        if not part.flat
    ]
    return Report(
        minutes,
        _merged(people),
        _retries(people),
        sum(len(person.saved) for person in people),
        sum(len(person.deleted) for person in people),
        accidents,
        growth,
        tuple(failures),
    )


def _work(person: User, expected: Mapping[tuple[str, str], str], over: threading.Event) -> None:
    while not over.is_set():
        person.step(expected)


def _wait(
    run: Running, seconds: float, working: Sequence[Future[None]], say: Callable[[str], None]
) -> Iterator[str]:
    """Let the time pass, with its accidents; the first failure ends it."""
    started = time.monotonic()
    coming = list(_ACCIDENTS)
    while (passed := time.monotonic() - started) < seconds:
        if any(work.done() for work in working):
            return
        say(f"{passed / 60:.1f} of {seconds / 60:g} minutes")
        if coming and passed > coming[0][0] * seconds:
            _, name, away = coming.pop(0)
            say(f"waiting for the {name}, which was killed")
            part = run.supervisor.kill(name)
            time.sleep(away)
            run.supervisor.start(part)
            run.supervisor.wait(part, _READY_SECONDS)
            back = time.monotonic() - started - passed
            yield f"the {name} was killed after {passed / 60:.1f} minutes, back after {back:.0f} s"
        time.sleep(_TICK_SECONDS)


def _check(people: Sequence[User]) -> Iterator[str]:
    """What is listed now is what was acknowledged, and none of it stays pending."""
    deadline = time.monotonic() + _PROCESSED_SECONDS
    for person in people:
        try:
            person.check_list()
            while pending := [
                entry["id"]
                for entry in person.observations("check")
                if entry["status"] == "pending"
            ]:
                if time.monotonic() > deadline:
                    yield f"{person.name}: {len(pending)} saves stay pending: {pending[:3]}"
                    break
                time.sleep(_TICK_SECONDS)
            person.check_list()
        except Failure as failure:
            yield str(failure)


def _pids(run: Running) -> dict[str, int]:
    pids = {}
    for name in _WATCHED:
        try:
            pids[name] = run.supervisor.pid(name)
        except PartFailed:  # killed on purpose, and not started yet
            continue
    return pids


def _merged(people: Sequence[User]) -> dict[str, list[float]]:
    merged: dict[str, list[float]] = {}
    for person in people:
        for deed, seconds in person.tally.seconds.items():
            merged.setdefault(deed, []).extend(seconds)
    return merged


def _retries(people: Sequence[User]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for person in people:
        for deed, count in person.tally.retries.items():
            merged[deed] = merged.get(deed, 0) + count
    return merged
