"""A dead model server must not waste the callers' time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from local.supervisor import free_port
from parrot import deadline
from parrot.adapters.guarded_model import GuardedModelServer
from parrot.errors import BadModelResponse, ModelTimeout, ModelUnavailable, Overloaded, ParrotError
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving
from tests.support.vendors import MODEL, ROW, TF_SERVING
from tests.support.waiting import soon

CALLERS = 40


def outcome(server: GuardedModelServer, payload: bytes = b"photo") -> ParrotError | None:
    try:
        server.predict(MODEL, [payload])
    except ParrotError as error:
        return error
    return None


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that neither accepts nor refuses connections, like a host that is gone."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)  # noqa: FBT003
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for waiting in queue:
            waiting.close()


@contextmanager
def stopped() -> Iterator[str]:
    """Accepts connections and reads nothing, like a process that was stopped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2 * CALLERS)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def refusing() -> Iterator[str]:
    """A port on which nothing listens."""
    yield f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("gone", "payload"),
    [
        *((each, b"photo") for each in (refusing, black_hole, stopped)),
        (stopped, bytes(3_000_000)),  # callers fill its socket
    ],
)
def test_40_callers_of_a_dead_model_server_are_answered_soon(
    gone: Callable[[], AbstractContextManager[str]], payload: bytes
) -> None:
    """Within the time for connecting, then at once: each holds a thread that others need."""
    with gone() as url:
        guarded = GuardedModelServer(TF_SERVING.connect(url), pause=30)
        with ThreadPoolExecutor(CALLERS) as pool, soon():
            for _ in range(2):
                errors = list(pool.map(lambda _: outcome(guarded, payload), range(CALLERS)))
                assert all(isinstance(error, ModelUnavailable) for error in errors)
        # The second time they did not try: they are told how long it is left alone.
        assert all(
            isinstance(error, ModelUnavailable) and error.retry_after > 10 for error in errors
        )


def test_while_the_breaker_is_open_callers_get_retry_after() -> None:
    """503 with Retry-After, and no request reaches the server."""
    with serving(lambda _request: json_answer({"error": "no"}, 503)) as server:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), failures=3, pause=30)
        for _ in range(10):
            error = outcome(guarded)
        assert isinstance(error, ModelUnavailable)
        assert len(server.requests) == 3
        assert 25 <= error.retry_after <= 30
        with pytest.raises(ModelUnavailable, match="503"):  # the readiness check still asks
            guarded.version(MODEL)


def test_one_caller_tries_again_and_then_all_are_served() -> None:
    """A server that comes back must not get every caller at once."""
    healthy, refused = False, threading.Semaphore(0)

    def script(_request: Request) -> ScriptedAnswer:
        if healthy:
            return TF_SERVING.predictions(ROW)
        if len(server.requests) > 2:  # the one that tries, while all others ask too
            assert all(refused.acquire(timeout=20) for _ in range(CALLERS - 1))
        return json_answer({"error": "no"}, 503)

    def ask(_caller: int) -> ParrotError | None:
        error = outcome(guarded)
        refused.release()
        return error

    with serving(script) as server, ThreadPoolExecutor(CALLERS) as pool:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), failures=2, pause=0.4)
        outcome(guarded)
        outcome(guarded)
        time.sleep(0.5)
        assert None not in list(pool.map(ask, range(CALLERS)))
        assert len(server.requests) == 3
        healthy = True
        time.sleep(0.5)
        assert outcome(guarded) is None
        assert list(pool.map(lambda _: outcome(guarded), range(CALLERS))) == [None] * CALLERS


def test_a_timeout_counts_and_a_deployment_error_does_not() -> None:
    """An answer, even a bad one, comes from a server that is there."""
    slow = replace(TF_SERVING.predictions(ROW), silent_seconds=30)
    with serving(lambda _request: slow) as server:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url, 0.1), failures=1, pause=30)
        assert isinstance(outcome(guarded), ModelTimeout)
        assert isinstance(outcome(guarded), ModelUnavailable)
    with serving(lambda _request: json_answer({"error": "bad"}, 400)) as server:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), failures=1, pause=30)
        for _ in range(3):
            assert isinstance(outcome(guarded), BadModelResponse)


def test_a_request_whose_time_is_over_is_not_held_against_the_server() -> None:
    """A photo that took long to decode was a model_timeout, and five of them opened the breaker."""
    with serving(lambda _request: TF_SERVING.predictions(ROW)) as server:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), failures=1, pause=30)
        with deadline.within(0):
            assert isinstance(outcome(guarded), Overloaded)
        assert server.requests == []
        assert outcome(guarded) is None


def test_a_server_that_looks_at_many_photos_is_busy_and_not_silent() -> None:
    """Eight callers with five photos each all failed, and so did the next one."""
    busy = replace(TF_SERVING.predictions(*[ROW] * 10), silent_seconds=2.0)
    with serving(lambda _request: busy) as server, ThreadPoolExecutor(8) as pool:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), pause=30)
        answers = pool.map(lambda _: guarded.predict(MODEL, [b"photo"] * 10), range(8))
        assert [len(rows) for rows in answers] == [10] * 8


def test_a_silent_server_does_not_hold_readiness_checks() -> None:
    """Readiness needs no login: 80 such calls would hold every thread of an instance."""

    def ask(guarded: GuardedModelServer) -> None:
        with pytest.raises(ModelUnavailable):
            guarded.version(MODEL)

    with stopped() as url, ThreadPoolExecutor(CALLERS) as pool, soon():
        guarded = GuardedModelServer(TF_SERVING.connect(url))
        list(pool.map(lambda _: ask(guarded), range(CALLERS)))


def test_a_few_callers_wait_for_a_server_that_starts() -> None:
    """A serverless one takes seconds for its first answer, and the first callers want it."""
    late = replace(TF_SERVING.predictions(ROW), silent_seconds=2.5)
    with serving(lambda _request: late) as server, ThreadPoolExecutor(4) as pool:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url))
        assert list(pool.map(lambda _: outcome(guarded), range(4))) == [None] * 4


def test_a_slow_server_that_answers_some_callers_keeps_the_others_waiting() -> None:
    """A long queue is not silence: it moves."""
    turn = threading.Lock()

    def script(_request: Request) -> ScriptedAnswer:
        with turn:
            time.sleep(0.3)
            return TF_SERVING.predictions(ROW)

    with serving(script) as server, ThreadPoolExecutor(10) as pool:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url))
        assert list(pool.map(lambda _: outcome(guarded), range(10))) == [None] * 10


def test_each_model_has_a_breaker_of_its_own() -> None:
    """The extractor may answer while the classifier does not."""
    other = replace(MODEL, name="Others")

    def script(request: Request) -> ScriptedAnswer:
        if "Others" in request.path:
            return json_answer({"error": "no"}, 503)
        return TF_SERVING.predictions(ROW)

    with serving(script) as server:
        guarded = GuardedModelServer(TF_SERVING.connect(server.url), failures=1, pause=30)
        for _ in range(2):
            with pytest.raises(ModelUnavailable):
                guarded.predict(other, [b"photo"])
        assert outcome(guarded) is None
