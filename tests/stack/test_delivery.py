"""The local stand-in for Eventarc: it loses no event and never gives up."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloudevents.http import CloudEvent, from_http

from local import events
from local.events import Delivery, pause
from local.supervisor import free_port
from tests.support.scripted_http import Request, ScriptedAnswer, serving


def event(name: str) -> CloudEvent:
    return events.cloud_event(
        {"bucket": "b", "name": name, "timeCreated": "2026-11-23T12:00:00Z", "generation": "1"}
    )


@contextmanager
def function(port: int, answer: Callable[[str], int]) -> Iterator[Counter[str]]:
    """Answers each event with the status that `answer` gives, and counts the events."""
    received: Counter[str] = Counter()
    lock = threading.Lock()

    def script(request: Request) -> ScriptedAnswer:
        name = from_http(request.headers, request.body).data["name"]
        with lock:
            received[name] += 1
            return ScriptedAnswer(status=answer(name), headers={"Connection": "close"})

    with serving(script, port):
        yield received


def test_an_event_is_redelivered_until_it_is_acknowledged() -> None:
    """One that fails until all others are done delays none of them; names arrive as they are."""
    port = free_port()
    others = [f"photos/ana/\N{PARROT} {number}%20" for number in range(20)]
    tries: Counter[str] = Counter()

    def answer(name: str) -> int:
        tries[name] += 1
        early = tries["bad"] < 4 or len(tries) <= len(others)
        return 500 if name == "bad" and early else 204

    with function(port, answer) as received, Delivery(f"http://127.0.0.1:{port}") as delivery:
        for name in ("bad", *others):
            delivery.accept(event(name))
        assert delivery.finished(20)
    assert received.pop("bad") >= 4
    assert received == Counter(others)


def test_pauses_double_up_to_a_limit_and_retries_never_end() -> None:
    """A weekend with a broken function is some 30,000 tries."""
    pauses = [pause(tries) for tries in range(2000)]
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses == sorted(pauses)
    assert pauses[6:] == [5.0] * 1994
    assert pause(10**9) == 5.0
