"""Firestore on a bad day: a gRPC server in front of the emulator that fails when a test says so."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from local.supervisor import free_port


@dataclass(frozen=True)
class Fault:
    """What happens to a call."""

    code: grpc.StatusCode | None = None  # None: silence, until the caller hangs up
    reaches: bool = False  # the emulator does what was asked, and the answer is lost
    half: bool = False  # part of the answer arrives before that
    garbage: bool = False  # an answer that is not a message


@dataclass
class Front:
    """The server: its address, the calls it saw, and what it does to the next ones."""

    address: str
    calls: list[str] = field(default_factory=list)  # names of methods, oldest first
    script: Callable[[str], Fault | None] = lambda _method: None

    def fail(self, fault: Fault, *, method: str = "", times: int = 10**6) -> None:
        """Make the next calls of a method, or of any method, fail."""
        left = iter(range(times))

        def script(called: str) -> Fault | None:
            wanted = not method or called == method
            return fault if wanted and next(left, None) is not None else None

        self.script = script

    def recover(self) -> None:
        """Stop failing."""
        self.script = lambda _method: None


@contextmanager
def failing(emulator: str) -> Iterator[Front]:
    """In front of the emulator at HOST:PORT, until the test is over."""
    over = threading.Event()
    front = Front(f"127.0.0.1:{free_port()}")
    with grpc.insecure_channel(emulator) as behind, ThreadPoolExecutor(32) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers((_Handler(front, behind, over),))
        server.add_insecure_port(front.address)
        server.start()
        yield front
        over.set()
        server.stop(None).wait()


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Every method as a stream: a single answer is a stream of one on the wire."""

    def __init__(self, front: Front, behind: grpc.Channel, over: threading.Event) -> None:
        self._front, self._behind, self._over = front, behind, over

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        path: str = details.method
        metadata = [pair for pair in details.invocation_metadata if pair[0] != "user-agent"]

        def answer(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            name = path.rpartition("/")[2]
            self._front.calls.append(name)
            fault = self._front.script(name)
            if fault is None or fault.reaches:
                call = self._behind.unary_stream(path)
                answers: Iterator[bytes] = call(request, metadata=metadata)
                yield from self._passed_on(answers, fault, context)
            if fault is not None:
                yield from self._failed(fault, context)

        handler: Any = grpc.unary_stream_rpc_method_handler(answer)
        return handler

    def _passed_on(
        self, answers: Iterator[bytes], fault: Fault | None, context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        try:
            for number, message in enumerate(answers):
                if fault is None or (fault.half and number == 0):
                    yield message
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata() or ())
            context.abort(error.code(), error.details())

    def _failed(self, fault: Fault, context: grpc.ServicerContext) -> Iterator[bytes]:
        if fault.garbage:
            yield b"\xff\xff\xff"
        elif fault.code is None:
            while context.is_active() and not self._over.wait(0.05):
                pass
        else:
            context.abort(fault.code, "scripted")
