"""The HTTP side: requests in, answers in TF Serving's format out."""

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from models.serving.catalog import Catalog
from models.serving.errors import ServingError
from models.serving.predict import predict

MAX_BODY_BYTES = 100 * 1024 * 1024
_MODEL = "/v1/models/<name>"
_VERSION = f"{_MODEL}/versions/<int:version>"


def create_app(catalog: Catalog) -> Flask:
    """Build the WSGI application that answers for a catalog's models."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @app.post(f"{_MODEL}:predict")
    @app.post(f"{_VERSION}:predict")
    def answer(name: str, version: int | None = None) -> Response:
        body = request.get_data(cache=False)
        if len(body) == MAX_BODY_BYTES:  # werkzeug ends a chunked body there
            raise RequestEntityTooLarge
        return _json(predict(catalog.model(name, version), body))

    @app.get(_MODEL)
    @app.get(_VERSION)
    def status(name: str, version: int | None = None) -> Response:
        return _json(_status(catalog, name, version))

    @app.errorhandler(ServingError)
    def refused(error: ServingError) -> Response:
        return _json(orjson.dumps({"error": error.message}), error.status)

    @app.errorhandler(HTTPException)  # also for errors that Flask has logged
    def failed(error: HTTPException) -> Response:
        return _json(orjson.dumps({"error": error.description or error.name}), error.code or 500)

    return app


def _status(catalog: Catalog, name: str, version: int | None) -> bytes:
    lines = [
        {
            "version": str(version_id.version),
            "state": served.state,
            "status": {
                "error_code": served.error.code if served.error else "OK",
                "error_message": served.error.message if served.error else "",
            },
        }
        for version_id, served in catalog.statuses(name, version).items()
    ]
    return orjson.dumps({"model_version_status": lines})


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")
