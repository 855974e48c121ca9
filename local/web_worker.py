"""gunicorn's worker: its errors are problem+json, and nobody may take long over a request's head.

Both are about requests that never reach a function: a broken request line, headers that are too
large or never end. Where the functions are deployed, Google's front end deals with most of these.
"""

import contextlib
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker

from parrot.errors import InvalidRequest, ParrotError
from parrot.http import problems
from parrot.http.transfers import running

_MOST_UNREAD = 65536  # bytes that a connection may still bring before it is closed
_STATUS: dict[type[BaseException], tuple[int, str]] = {
    LimitRequestLine: (414, "the URL is too long"),
    LimitRequestHeaders: (431, "the headers are too many or too large"),
    ExpectationFailed: (417, "only Expect: 100-continue is supported"),
    UnsupportedTransferCoding: (501, "this transfer coding is not supported"),
}


class Worker(ThreadWorker):
    """Answers what cannot be parsed, and closes the connection."""

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - as gunicorn calls it
        """Wait for the next request of a connection, and answer it."""
        running.threads = self.cfg.threads
        with running.moving(conn.sock, conn.client[0], how=socket.SHUT_RDWR) as conn.head:
            return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401
        """Its head is read; the function looks after body and answer."""
        running.finish(conn.head)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:  # noqa: ANN401
        """Close a connection that is not kept, as gunicorn does, but without waiting for it.

        gunicorn waits for up to two seconds, in the thread that hands out all requests, until the
        client has closed its end too: meanwhile nobody else is answered.
        """
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the client has gone
            self.nr_conns -= 1
            conn.close()
            return
        conn.sock.settimeout(0)
        conn.unread = _MOST_UNREAD
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)  # closed when its time is over
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Any, client: socket.socket) -> None:  # noqa: ANN401
        """Read what still comes: to close before that would cost the client our answer."""
        with contextlib.suppress(OSError):
            read = len(client.recv(_MOST_UNREAD))
            conn.unread -= read
            if read and conn.unread > 0:
                return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def handle_error(
        self,
        req: Any,  # noqa: ANN401, ARG002 - as gunicorn calls it
        client: socket.socket,
        addr: Any,  # noqa: ANN401, ARG002
        exc: BaseException,
    ) -> None:
        """Called by gunicorn instead of the application. Neither address nor headers are logged."""
        problem = _problem(exc)
        if problem.status == ParrotError.status:
            self.log.error("before it reached a function: %r", exc, exc_info=exc)
        else:
            self.log.warning("%s (%s)", problem.detail, type(exc).__name__)
        response = problems.response_for(problem)
        response.headers["Connection"] = "close"
        head = f"HTTP/1.1 {response.status}\r\n{response.headers}".encode("latin-1")
        with contextlib.suppress(OSError):  # it may have hung up
            util.write_nonblock(client, head + response.get_data())


def _problem(error: BaseException) -> ParrotError:
    if not isinstance(error, ParseException):
        return ParrotError("something went wrong on our side; it has been logged")
    status, detail = _STATUS.get(type(error), (400, "this is not a valid HTTP request"))
    problem = InvalidRequest(detail)
    problem.status = status
    return problem
