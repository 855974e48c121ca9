"""The HTTP side: requests in, answers in TF Serving's format out."""

from __future__ import annotations

import gzip
import logging
from typing import IO, TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from local.model_server import answers, bodies, targets
from local.model_server.errors import BodyTooLarge, ServingError
from local.model_server.examples import classify, regress
from local.model_server.predict import predict
from local.model_server.targets import Target, Verb

if TYPE_CHECKING:
    from local.model_server.registry import Registry

_ANSWERS = {Verb.PREDICT: predict, Verb.CLASSIFY: classify, Verb.REGRESS: regress}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_GZIP_FROM_BYTES = 1024  # below this a compressed answer is hardly smaller
_DRAINED_BYTES = 10 * bodies.MAX_BODY_BYTES  # of a body that is too large; then we hang up
_CHUNK_BYTES = 1024 * 1024
_GZIP_LEVEL = 1  # clients are local: a higher level costs more time than it saves

log = logging.getLogger(__name__)


def create_app(registry: Registry) -> Flask:
    """Build the WSGI application that answers for a registry's models."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MAX_BODY_BYTES
    # `targets` matches the raw path, as TF Serving does.
    app.url_map.merge_slashes = False

    def handle(path: str) -> Response:  # noqa: ARG001 - see above
        target = targets.parse(request.method, request.environ["RAW_URI"])
        return _reply(_answer(registry, target), 200)

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(
            rule,
            endpoint=rule,
            view_func=handle,
            methods=_METHODS,
            defaults={"path": ""} if rule == "/" else None,
            provide_automatic_options=False,
        )
    app.register_error_handler(ServingError, _on_serving_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_unexpected)
    return app


def _answer(registry: Registry, target: Target) -> bytes:
    if target.verb is Verb.STATUS:
        return _status(registry, target)
    if target.verb is Verb.METADATA:
        return _metadata(registry, target)
    body = _read_body()
    with registry.lease(target) as lease:
        return _ANSWERS[target.verb](lease.servable, body)


def _read_body() -> bodies.JsonObject:
    limit, stream = bodies.MAX_BODY_BYTES, request.environ["wsgi.input"]
    try:
        raw = request.get_data(cache=False)
        too_large = len(raw) == limit and stream.read(1)  # a chunked body ends at the limit
    except RequestEntityTooLarge:
        too_large = True
    if too_large:
        _drain(stream)
        raise BodyTooLarge(limit)
    return bodies.parse(bodies.decompress(raw, request.headers.get("Content-Encoding", "")))


def _drain(stream: IO[bytes]) -> None:
    """Read what the client still sends: it only looks for the answer when it has sent all."""
    for _ in range(_DRAINED_BYTES // _CHUNK_BYTES):
        if not stream.read(_CHUNK_BYTES):
            return


def _status(registry: Registry, target: Target) -> bytes:
    return answers.dumps(
        {
            "model_version_status": [
                {
                    "version": str(status.id.version),
                    "state": status.state.value,
                    "status": {
                        "error_code": status.error_code,
                        "error_message": status.error_message,
                    },
                }
                for status in registry.statuses(target)
            ]
        }
    )


def _metadata(registry: Registry, target: Target) -> bytes:
    with registry.lease(target) as lease:
        return answers.dumps(
            {
                "model_spec": {
                    "name": lease.id.model,
                    "signature_name": "",
                    "version": str(lease.id.version),
                },
                # Twice: a protobuf map inside a message of the same name.
                "metadata": {"signature_def": {"signature_def": lease.servable.signature_defs}},
            }
        )


def _reply(body: bytes, status: int) -> Response:
    response = Response(body, status, content_type="application/json")
    if len(body) >= _GZIP_FROM_BYTES:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            response.set_data(gzip.compress(body, _GZIP_LEVEL, mtime=0))
            response.content_encoding = "gzip"
    return response


def _error(message: str, status: int) -> Response:
    return _reply(answers.dumps({"error": message}), status)


def _on_serving_error(error: ServingError) -> Response:
    return _error(error.message, error.status)


def _on_http_error(error: HTTPException) -> Response:
    return _error(error.description or error.name, error.code or 500)


def _on_unexpected(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error("Internal error; the server's log has the details", 500)
