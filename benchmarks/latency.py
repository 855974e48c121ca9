"""One photo after the other: every way to send it, in turn with the limit."""

from collections import defaultdict

from benchmarks.clients import WAYS, Connections, Prepared, classify
from benchmarks.limit import Limit
from benchmarks.photos import PhotoFile
from benchmarks.results import Latency, PhotoResult, Spread
from benchmarks.services import Say, Services

_SELDOM = 4  # the first version is slow: it is asked in every fourth round


def measure(
    sample: PhotoFile, limit: Limit, services: Services, *, rounds: int, say: Say
) -> PhotoResult:
    """Ask every service in every round. Raises WrongAnswer, HTTPError."""
    asks = _asks(sample, services)
    connections = Connections()
    for ask in asks.values():  # warm up: connections, lazily built parts, TensorFlow's first runs
        limit.seconds(sample)
        connections.send(ask)
    limits: list[float] = []
    taken, ratios = (defaultdict[str, list[float]](list) for _ in range(2))
    for number in range(rounds):
        say(f"{sample.name}: round {number + 1} of {rounds}")
        # The limit before and after, so that a drift of the machine hits both.
        before = limit.seconds(sample)
        answered = {
            name: connections.send(ask)[0]
            for name, ask in asks.items()
            if name != services.first_version.name or number % _SELDOM == 0
        }
        after = limit.seconds(sample)
        limits += [before, after]
        for name, seconds in answered.items():
            taken[name].append(seconds)
            ratios[name].append(seconds * 2 / (before + after))
    return PhotoResult(
        photo=sample.name,
        megapixels=sample.width * sample.height / 1e6,
        megabytes=len(sample.data) / 1e6,
        rounds=rounds,
        looks=sample.looks,
        limit_ms=Spread.of(limits, unit=1000),
        ways=tuple(
            Latency(name, Spread.of(taken[name], unit=1000), Spread.of(ratios[name]))
            for name in asks
        ),
    )


def looks(services: Services, sample: PhotoFile) -> int:
    """How often ours looks at this photo, as it says itself. Raises WrongAnswer."""
    _, response = Connections().send(services.ours.ask(sample))
    return 2 if "look-again" in response.headers["Server-Timing"] else 1


def _asks(sample: PhotoFile, services: Services) -> dict[str, Prepared]:
    """A JPEG goes to all, in every way. Nobody else looks twice, and HEIC is slow in every way."""
    plain = sample.is_jpeg and sample.looks == 1
    ways = WAYS if plain else WAYS[:1]
    others = (services.litserve, services.first_version) if plain else ()
    asks = {way: classify(services.ours.part.url, sample, way) for way in ways}
    return asks | {other.name: other.ask(sample) for other in others}
