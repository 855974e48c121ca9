"""How long bodies and answers may take, and which of them end first."""

import collections
import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Request, Response
from werkzeug.test import EnvironBuilder

from parrot.errors import StoreUnavailable
from parrot.http import transfers as module
from parrot.http.respond import length
from parrot.http.transfers import ADDRESS, SOCKET, Transfer, Transfers, seconds_for, watch


def test_a_read_ends_when_its_time_is_over_however_often_a_byte_comes() -> None:
    """A socket's own timeout starts again with each of them."""
    transfers = Transfers()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        over = threading.Event()

        def drip() -> None:
            with contextlib.suppress(BrokenPipeError):
                while not over.wait(0.1):
                    theirs.send(b"x")

        phone = threading.Thread(target=drip)
        phone.start()
        ours.settimeout(10)
        with transfers.moving(ours) as transfer:
            transfer.until = transfer.started + 0.5
            while ours.recv(1):
                pass
        over.set()
        phone.join()
        assert transfer.ended
        ours.sendall(b"too slow")  # the connection can still be answered
        assert theirs.recv(20) == b"too slow"


def test_a_read_that_is_done_in_time_is_left_alone() -> None:
    """The connection is kept for the next request."""
    transfers = Transfers()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with transfers.moving(ours) as transfer:
            transfer.until = transfer.started + 0.1
        with transfers.moving(ours):
            time.sleep(0.5)  # longer than between two looks
        theirs.send(b"next")
        assert not transfer.ended
        assert ours.recv(20) == b"next"


@pytest.fixture
def phones() -> Iterator[list[socket.socket]]:
    """Our ends of seven connections, whose phones neither send nor read."""
    pairs = [socket.socketpair() for _ in range(7)]
    yield [ours for ours, _ in pairs]
    for pair in pairs:
        for end in pair:
            end.close()


def test_of_too_many_slow_bodies_those_of_the_busiest_address_end_that_wait_longest(
    monkeypatch: pytest.MonkeyPatch, phones: list[socket.socket]
) -> None:
    """They took every thread, and stopped everybody else."""
    monkeypatch.setattr(module, "_SLOW_SECONDS", 60.0)
    transfers = Transfers(threads=8)
    with contextlib.ExitStack() as stack:
        moving = [
            stack.enter_context(transfers.moving(phone, address))
            for phone, address in zip(phones, "bcdaaaa", strict=True)
        ]
        for number, transfer in enumerate(moving):
            transfer.since -= 100 - number
        transfers.finish(stack.enter_context(transfers.moving(phones[0], "e")))
        assert [transfer.ended for transfer in moving] == [True, True, False, *3 * [True], False]
        assert not phones[0].recv(1), "its read is over"


def test_those_that_come_behind_slow_ones_show_sooner_that_they_are_as_slow(
    phones: list[socket.socket],
) -> None:
    """Eighty came in six rounds on sixteen threads: everybody else waited for two seconds."""
    transfers, now = Transfers(threads=4), time.monotonic()
    slow, others = phones[:4], phones[4:]
    behind = [Transfer(phone, "a", socket.SHUT_RD, now, math.inf, now - 0.1) for phone in others]
    behind.append(Transfer(phones[0], "a", socket.SHUT_RD, now, math.inf, now - 0.1))
    for transfer in behind:
        transfers.begin(transfer)
    assert not any(transfer.ended for transfer in behind)
    for transfer in behind:
        transfers.finish(transfer)
    for phone in slow:
        transfers.begin(Transfer(phone, "b", socket.SHUT_RD, now, math.inf, now - 1))
    for transfer in behind[:3]:
        transfers.begin(transfer)
    assert any(transfer.ended for transfer in behind)


def test_quick_transfers_are_not_ended_however_many(
    monkeypatch: pytest.MonkeyPatch, phones: list[socket.socket]
) -> None:
    """A busy instance is not an attack."""
    monkeypatch.setattr(module, "_SLOW_SECONDS", 60.0)
    transfers = Transfers(threads=2)
    with contextlib.ExitStack() as stack:
        moving = [stack.enter_context(transfers.moving(phone)) for phone in phones[:4]]
        moving[0].since -= 100
        moving += [stack.enter_context(transfers.moving(phone)) for phone in phones[4:]]
        assert not any(transfer.ended for transfer in moving)


def test_a_wait_for_our_own_memory_takes_none_of_the_phones_time(
    monkeypatch: pytest.MonkeyPatch, phones: list[socket.socket]
) -> None:
    """Nine quick uploads beside large ones were called slow."""
    monkeypatch.setattr(module, "_SLOW_SECONDS", 60.0)
    transfers, long_ago = Transfers(threads=1), time.monotonic() - 100
    waiting = Transfer(phones[0], "a", socket.SHUT_RD, long_ago, math.inf, long_ago)
    with waiting.paused():
        transfers.begin(waiting)
        assert not waiting.ended
    transfers.finish(waiting)
    assert waiting.started > long_ago
    assert math.isfinite(waiting.until)
    slow = Transfer(phones[1], "a", socket.SHUT_RD, long_ago, math.inf, long_ago)
    transfers.begin(slow)
    assert slow.ended


def answered(response: Response, connection: socket.socket) -> Response:
    """The response as `respond` passes it on."""
    environ = {**EnvironBuilder().get_environ(), SOCKET: connection, ADDRESS: "a"}
    watch(Request(environ), response, length(response))
    return response


def test_an_answer_that_nobody_reads_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, phones: list[socket.socket]
) -> None:
    """It held a thread for as long as the reader liked."""
    monkeypatch.setattr(module, "STALL_SECONDS", 0.1)
    response = answered(Response(bytes(2**23)), phones[0])
    assert response.content_length == 2**23
    with pytest.raises(BrokenPipeError):
        collections.deque(map(phones[0].sendall, response.iter_encoded()))


def test_an_answer_whose_photo_is_lost_midway_closes_the_connection(
    phones: list[socket.socket],
) -> None:
    """The next answer on it would be taken for the rest of the photo."""

    def pieces() -> Iterator[bytes]:
        yield bytes(2**17)
        raise StoreUnavailable("the photo cannot be read now")

    response = Response(pieces())
    response.content_length = 2**20
    assert b"".join(answered(response, phones[0]).iter_encoded()) == bytes(2**17)
    with pytest.raises(BrokenPipeError):
        phones[0].sendall(b"HTTP/1.1 200 OK")


def test_an_answer_of_unknown_length_is_watched_too_and_stays_a_stream(
    phones: list[socket.socket],
) -> None:
    """An export is made while it is sent."""
    begun = list[int]()

    def pieces() -> Iterator[bytes]:
        begun.append(1)
        yield b"x"

    response = answered(Response(pieces()), phones[0])
    assert not begun
    assert response.content_length is None
    assert response.get_data() == b"x"


def test_no_body_takes_longer_than_cloud_run_waits() -> None:
    """The phone would get no answer that it can read."""
    assert seconds_for(2**30) < 300


def test_short_answers_are_not_watched(phones: list[socket.socket]) -> None:
    """They fit the connection's buffer, whoever reads."""
    assert answered(Response(b"{}"), phones[0]).is_sequence
