"""A real HTTP server with scripted answers: what a vendor's server does on a bad day."""

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

PATIENCE_SECONDS = 240
_PASSED_ON = {"content-type", "etag", "x-goog-hash", "x-goog-generation", "content-range"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: bytes
    port: int  # of the client: tells connections apart

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class ScriptedAnswer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent_seconds: float = 0.0  # before the first byte
    sent_bytes: int | None = None  # of the body, then the connection breaks; -1: not even a status
    pause_seconds: float = 0.0  # between two bytes: a server that drips


@dataclass(frozen=True)
class Server:
    url: str
    requests: list[Request]  # oldest first

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")


def json_answer(body: object, status: int = 200) -> ScriptedAnswer:
    return ScriptedAnswer(json.dumps(body).encode(), status, {"Content-Type": "application/json"})


def passed_on(request: Request, url: str) -> ScriptedAnswer:
    """What the server at this URL answers, on a connection that ends with it."""
    headers = {name: text for name, text in request.headers.items() if name != "Host"}
    given = requests.request(
        request.method,
        f"{url}{request.path}",
        headers=headers,
        data=request.body,
        timeout=PATIENCE_SECONDS,
    )
    kept = {name: given.headers[name] for name in given.headers if name.lower() in _PASSED_ON}
    return ScriptedAnswer(given.content, given.status_code, {**kept, "Connection": "close"})


class Listener(ThreadingHTTPServer):
    """http.server's, with room for more simultaneous callers."""

    request_queue_size = 128  # http.server's 5 resets some of 40 callers that connect at once
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers often hang up here; anything else is a bug in the test."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(script: Callable[[Request], ScriptedAnswer], port: int = 0) -> Iterator[Server]:
    """Answers each request as the script says until the test is over; on a free port for 0."""
    seen: list[Request] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            port = self.client_address[1]
            request = Request(
                self.command, self.path, CaseInsensitiveDict(self.headers.items()), body, port
            )
            seen.append(request)
            answer = script(request)
            over.wait(answer.silent_seconds)
            self.close_connection = answer.sent_bytes is not None
            if answer.sent_bytes == -1:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the client may have hung up
                if answer.pause_seconds:
                    for byte in answer.body:
                        self.wfile.write(bytes([byte]))
                        if over.wait(answer.pause_seconds):
                            return
                else:
                    self.wfile.write(answer.body[: answer.sent_bytes])

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Quiet: the test knows what it sent."""

    server = Listener(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_port}", seen)
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def shouting(start: bytes, again: bytes) -> Iterator[str]:
    """Sends `start` to the first caller, then `again` until they hang up."""

    def shout() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            while again:
                connection.sendall(1000 * again)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=shout, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
