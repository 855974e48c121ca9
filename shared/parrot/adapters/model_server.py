"""Predictions over HTTP: TF Serving's REST API (local, Cloud Run) and Vertex AI."""

from __future__ import annotations

import json
import threading
import time
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, cast

from google.auth.exceptions import GoogleAuthError
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from parrot import deadline
from parrot.adapters import predict_json
from parrot.adapters.timed_http import timed_pools
from parrot.errors import BadModelResponse, ModelTimeout, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from urllib3 import BaseHTTPResponse, PoolManager

    from parrot.model.served_model import ServedModel
    from parrot.records import Floats, Prediction

_POOL = 32  # connections kept open: a little above the concurrency of one instance
_CONNECT_SECONDS = 1.5
_MOST_BYTES = 4 * 2**20  # features and probabilities of one photo are some 50 kB of JSON
_MOST_VERTEX_BYTES = 1_500_000  # of a request to a shared endpoint
_CHUNK_BYTES = 256 * 1024
_HUNG_UP = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)
_VERSION_TTL_SECONDS = 30.0
# 409 and 499 are gRPC's ABORTED and CANCELLED: a server that stops or changes its version.
_RETRYABLE = frozenset({408, 409, 429, 499, 500, 502, 503})
_GATEWAY_TIMEOUT = 504
_NOT_FOUND = 404
_OK = 200


def unsigned() -> PoolManager:
    """For a model server that is open within its network."""
    return timed_pools(size=_POOL)


def signed(audience: str | None) -> PoolManager:
    """Sends Google's tokens: an ID token for an audience, otherwise an access token.

    Raises ModelUnavailable if there are no credentials.
    """
    import google.auth  # noqa: PLC0415 - a local model server needs none of these
    from google.auth.transport.urllib3 import AuthorizedHttp, Request  # noqa: PLC0415
    from google.oauth2 import id_token  # noqa: PLC0415

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    pools = timed_pools(size=_POOL)
    try:
        if audience is not None:
            credentials = id_token.fetch_id_token_credentials(audience, Request(pools))
        else:
            credentials, _project = google.auth.default(scopes=scopes)
    except GoogleAuthError as error:
        raise _no_token(error) from error
    return cast("PoolManager", AuthorizedHttp(credentials, pools))  # it has the same `urlopen`


def connect(
    url: str | None, endpoints: Mapping[str, str], *, auth: str, timeout: float
) -> TfServing | VertexEndpoint:
    """TF Serving at `url`, or else Vertex AI; `auth` as in MODEL_AUTH. Raises ModelUnavailable."""
    if url is None:
        return VertexEndpoint(endpoints, signed(None), timeout=timeout)
    return TfServing(url, unsigned() if auth == "none" else signed(url), timeout=timeout)


class TfServing:
    """TF Serving's REST API."""

    def __init__(self, url: str, http: PoolManager, *, timeout: float) -> None:
        """`url` is the root, before /v1; `timeout` seconds for one answer. No request is made."""
        self._root = url.rstrip("/")
        self._http = _Calls(http, timeout)
        self._versions: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        body = predict_json.body(payloads, signature_name=model.signature)
        answer = self._http.call("POST", f"{self._path(model)}:predict", body)
        version = model.version or self._latest(model)
        return predict_json.predictions(answer, model, f"{model.name}/{version}", len(payloads))

    def version(self, model: ServedModel) -> str:
        """NAME/VERSION that answers now. Raises ModelUnavailable, ModelTimeout."""
        answer = self._http.call("GET", self._path(model))
        available = [
            str(line.get("version"))
            for line in predict_json.field(answer, "model_version_status", list)
            if isinstance(line, dict) and line.get("state") == "AVAILABLE"
        ]
        if not available:
            raise ModelUnavailable(f"{model.name} is not loaded yet")
        return f"{model.name}/{max(available, key=lambda v: (len(v), v))}"

    def _path(self, model: ServedModel) -> str:
        pinned = f"/versions/{model.version}" if model.version else ""
        return f"{self._root}/v1/models/{model.name}{pinned}"

    def _latest(self, model: ServedModel) -> str:
        """The version of a model that is not pinned, looked up again every 30 s."""
        with self._lock:
            when, version = self._versions.get(model.name, (-_VERSION_TTL_SECONDS, ""))
        if time.monotonic() - when < _VERSION_TTL_SECONDS:
            return version
        version = self.version(model).rpartition("/")[2]
        with self._lock:
            self._versions[model.name] = (time.monotonic(), version)
        return version


class VertexEndpoint:
    """Vertex AI endpoints, one for each model: name in the manifest -> https://.../endpoints/E."""

    def __init__(self, endpoints: Mapping[str, str], http: PoolManager, *, timeout: float) -> None:
        """`http` signs its requests. No request is made."""
        self._endpoints = endpoints
        self._http = _Calls(http, timeout)

    def predict(self, model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        predictions: list[Prediction] = []
        url = f"{self._endpoint(model)}:predict"
        for body, count in predict_json.batches(payloads, most=_MOST_VERTEX_BYTES):
            answer = self._http.call("POST", url, body)
            version = answer.get("modelVersionId") or answer.get("deployedModelId") or "?"
            predictions += predict_json.predictions(answer, model, f"{model.name}/{version}", count)
        return predictions

    def version(self, model: ServedModel) -> str:
        """NAME/VERSION of the first deployed model. Raises ModelUnavailable, ModelTimeout."""
        deployed = self._http.call("GET", self._endpoint(model)).get("deployedModels")
        if not deployed:  # Vertex leaves an empty list out
            raise ModelUnavailable(f"nothing is deployed for {model.name}")
        try:
            first = deployed[0]
            return f"{model.name}/{first.get('modelVersionId') or first['id']}"
        except (TypeError, AttributeError, KeyError) as error:
            raise BadModelResponse("the model server's deployedModels have no id") from error

    def _endpoint(self, model: ServedModel) -> str:
        url = self._endpoints.get(model.name)
        if url is None:
            raise ModelUnavailable(f"no endpoint is configured for {model.name}")
        return url


class _Calls:
    """Sends requests and translates their failures; threads may share it."""

    def __init__(self, http: PoolManager, timeout: float) -> None:
        self._http, self._timeout = http, timeout
        # What is left of the deadline may be less: `timed_http` sees to that.
        self._limits = Timeout(connect=_CONNECT_SECONDS, read=timeout)

    def call(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            with deadline.within(self._timeout):
                try:
                    return self._ask(method, url, body)
                except ProtocolError as error:
                    # A server may close a kept connection while a request is on its way to it.
                    if not isinstance(error.args[-1], _HUNG_UP):
                        raise
                    return self._ask(method, url, body)
        except (ReadTimeoutError, TimeoutError) as error:
            raise ModelTimeout(f"no answer within {self._timeout:g} s") from error
        except (HTTPError, OSError) as error:
            raise ModelUnavailable(
                f"the model server cannot be reached ({type(error).__name__})"
            ) from error
        except GoogleAuthError as error:
            raise _no_token(error) from error

    def _ask(self, method: str, url: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Accept-Encoding": "identity"}  # a compressed answer could unpack to gigabytes
        if body:
            headers["Content-Type"] = "application/json"
        with self._http.urlopen(
            method,
            url,
            body=body,
            headers=headers,
            timeout=self._limits,
            redirect=False,
            preload_content=False,
            decode_content=False,
        ) as response:
            return _answer(response, _body_of(response))


def _no_token(error: GoogleAuthError) -> ModelUnavailable:
    return ModelUnavailable(f"cannot get a token for the model server ({type(error).__name__})")


def _body_of(response: BaseHTTPResponse) -> bytes:
    """All of it, as it was sent."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadModelResponse("the model server's answer is compressed, which nobody asked for")
    body = bytearray()
    while chunk := _chunk_of(response):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise BadModelResponse(f"the model server's answer is over {_MOST_BYTES:,} bytes")
    return bytes(body)


def _chunk_of(response: BaseHTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except ValueError as error:  # a chunk of fewer than no bytes
        raise BadModelResponse("the model server's answer is malformed") from error


def _answer(response: BaseHTTPResponse, body: bytes) -> dict[str, Any]:
    status = response.status
    if status == _GATEWAY_TIMEOUT:
        raise ModelTimeout("the model server timed out")
    if status in _RETRYABLE:
        raise ModelUnavailable(f"the model server answered {status}")
    if status == _NOT_FOUND:
        raise ModelUnavailable(
            f"the model server does not serve this model: {_reason(response, body)}"
        )
    if status != _OK:
        raise BadModelResponse(f"the model server answered {status}: {_reason(response, body)}")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadModelResponse("the model server's answer is not valid JSON") from error
    if not isinstance(answer, dict):
        raise BadModelResponse("the model server's answer is not a JSON object")
    return answer


def _reason(response: BaseHTTPResponse, body: bytes) -> str:
    """The server's own words, shortened, for the log."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, RecursionError, KeyError, TypeError):
        error = response.reason
    return f"{error!s:.200}"
