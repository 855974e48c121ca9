"""One contract for TF Serving and Vertex AI: what they answer, and how their failures are named."""

from __future__ import annotations

import base64
import gzip
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from local.supervisor import free_port
from parrot import deadline
from parrot.adapters.model_server import VertexEndpoint, unsigned
from parrot.errors import BadModelResponse, ModelTimeout, ModelUnavailable
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving, shouting
from tests.support.vendors import (
    FEATURES_ONLY,
    MODEL,
    ROW,
    TF_SERVING,
    TIMEOUT_SECONDS,
    VERTEX,
    Vendor,
)

if TYPE_CHECKING:
    from parrot.model.served_model import ServedModel

PATIENCE_SECONDS = 10  # less than a fault lasts


@pytest.fixture(params=[TF_SERVING, VERTEX], ids=["TF Serving", "Vertex AI"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """TF Serving, then Vertex AI."""
    each: Vendor = request.param
    return each


@dataclass
class Ask:
    """Asks a server that answers everything in the same way."""

    vendor: Vendor

    def predict(self, answer: ScriptedAnswer, model: ServedModel = MODEL) -> Any:
        with serving(lambda _request: answer) as server:
            return self.vendor.connect(server.url).predict(model, [b"photo"])[0]


@pytest.fixture
def ask(vendor: Vendor) -> Ask:
    return Ask(vendor)


def test_a_raw_photo_is_one_instance_of_base64(vendor: Vendor) -> None:
    """JSON lists of pixels are ten times as long."""
    with serving(lambda _request: vendor.predictions(ROW)) as server:
        vendor.connect(server.url).predict(MODEL, [bytes(range(256))])
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", vendor.predict_path)
    assert request.headers["Content-Type"] == "application/json"
    encoded = base64.b64encode(bytes(range(256))).decode()
    assert request.json() == {**vendor.asked, "instances": [{"b64": encoded}]}


def test_floats_are_one_instance_of_nested_lists(vendor: Vendor) -> None:
    """For models that were exported with a float input."""
    with serving(lambda _request: vendor.predictions(ROW)) as server:
        vendor.connect(server.url).predict(
            MODEL, [np.array([[[0.5, 1, 2]], [[3, 4, 5]]], np.float32)]
        )
    assert server.requests[0].json() == {
        **vendor.asked,
        "instances": [[[[0.5, 1, 2]], [[3, 4, 5]]]],
    }


def test_named_outputs_become_vectors(ask: Ask) -> None:
    """With the version that gave them."""
    prediction = ask.predict(ask.vendor.predictions(ROW))
    for name, numbers in ROW.items():
        vector = getattr(prediction, name)
        assert vector.dtype == np.float32
        assert vector.tolist() == numbers
    assert prediction.model_version == "Parrots/3"


def test_a_single_output_comes_without_its_name(ask: Ask) -> None:
    """So does TF Serving answer; Vertex passes it on."""
    prediction = ask.predict(ask.vendor.predictions([0.5, 1.5]), FEATURES_ONLY)
    assert prediction.features.tolist() == [0.5, 1.5]
    assert prediction.probabilities is None
    assert prediction.logits is None


def test_a_pooled_map_of_one_pixel_is_a_vector(ask: Ask) -> None:
    """Keras keeps (1, 1, n) where a model was exported without flattening."""
    prediction = ask.predict(ask.vendor.predictions({"features": [[[0.5, 1.5]]]}), FEATURES_ONLY)
    assert prediction.features.tolist() == [0.5, 1.5]


@pytest.mark.parametrize("status", [404, 409, 429, 499, 503])
def test_a_server_that_cannot_answer_now_is_unavailable(ask: Ask, status: int) -> None:
    """503 with Retry-After: the phone tries again."""
    with pytest.raises(ModelUnavailable):
        ask.predict(json_answer({"error": "not now"}, status))


@pytest.mark.parametrize("status", [302, 400, 501])
def test_a_server_that_refuses_is_a_mistake_of_the_deployment(ask: Ask, status: int) -> None:
    """Trying again would not help; the log has the server's own words."""
    with pytest.raises(BadModelResponse, match=rf"{status}.*the reason"):
        ask.predict(json_answer({"error": "the reason"}, status))


def test_a_refusal_in_any_words_is_a_refusal(ask: Ask) -> None:
    """Proxies answer HTML, Vertex nests its errors."""
    for body in (b"", b"[1]", b'{"error": {"message": "x"}}', b"<html>"):
        with pytest.raises(BadModelResponse, match="400"):
            ask.predict(ScriptedAnswer(body, 400))


def test_an_answer_that_comes_too_late_is_a_timeout(vendor: Vendor) -> None:
    """504, after as long as the deployment allows."""
    late = replace(vendor.predictions(ROW), silent_seconds=30)
    with (
        serving(lambda _request: late) as server,
        pytest.raises(ModelTimeout, match=r"0\.2 s"),
    ):
        vendor.connect(server.url, 0.2).predict(MODEL, [b"photo"])


def test_a_gateway_that_waited_in_vain_is_a_timeout(ask: Ask) -> None:
    """Cloud Run's own limit ends in a 504 as well."""
    with pytest.raises(ModelTimeout):
        ask.predict(json_answer({"error": "deadline exceeded"}, 504))


def test_an_unreachable_server_is_unavailable(vendor: Vendor) -> None:
    """Cloud Run restarts it, or the URL is wrong."""
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        vendor.connect(f"http://127.0.0.1:{free_port()}").predict(MODEL, [b"photo"])


def test_an_answer_that_breaks_off_is_unavailable(ask: Ask) -> None:
    """An instance was shut down in the middle of it."""
    for sent_bytes in (-1, 0, 20):
        with pytest.raises(ModelUnavailable):
            ask.predict(replace(ask.vendor.predictions(ROW), sent_bytes=sent_bytes))


NOT_PREDICTIONS = (
    *(b"", b"<html>", b'{"predictions": [', b"[]", b"null", b"{}", b'{"predictions": null}'),
    *(b'{"predictions": {"features": [1]}}', b"\xff\xfe", b"[" * 100_000),
)


def test_what_is_not_an_object_with_predictions_is_refused(ask: Ask) -> None:
    """Whatever a proxy in between makes of it, it is an error with a name."""
    for body in NOT_PREDICTIONS:
        with pytest.raises(BadModelResponse):
            ask.predict(ScriptedAnswer(body))


def test_one_photo_has_one_row(ask: Ask) -> None:
    """Any other row would be somebody else's bird."""
    for rows in (0, 2):
        with pytest.raises(BadModelResponse, match=f"{rows} rows"):
            ask.predict(ask.vendor.predictions(*[ROW] * rows))


NOT_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e400", "1e39", "9" * 400),
    *("null", '"x"', '"1.5"', "{}", "[1]", "[]"),
)


def test_a_vector_holds_finite_numbers_only(ask: Ask) -> None:
    """Python's JSON reads NaN, and NumPy makes a number of nearly anything."""
    whole = json.dumps({"predictions": ["ROW"], **ask.vendor.predicted})
    for features in NOT_NUMBERS:
        body = whole.replace('"ROW"', f'{{"features": [0.5, {features}]}}').encode()
        with pytest.raises(BadModelResponse, match="features"):
            ask.predict(ScriptedAnswer(body), FEATURES_ONLY)


def test_a_missing_output_is_named_with_those_that_came(ask: Ask) -> None:
    """The manifest names an output that the model does not have."""
    with pytest.raises(BadModelResponse, match=r"'logits'.*features.*probabilities"):
        ask.predict(ask.vendor.predictions({"features": [1], "probabilities": [1]}))


def test_one_output_cannot_stand_for_three(ask: Ask) -> None:
    """A bare list says nothing about which of them it is."""
    with pytest.raises(BadModelResponse, match="one output"):
        ask.predict(ask.vendor.predictions([0.5, 1.5]))


def test_the_version_is_the_one_that_answers_now(vendor: Vendor) -> None:
    """The readiness check asks."""
    with serving(lambda _request: json_answer(vendor.versions)) as server:
        assert vendor.connect(server.url).version(MODEL) == "Parrots/3"
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", vendor.model_path)


def test_without_the_model_or_while_it_loads_there_is_no_version(vendor: Vendor) -> None:
    """Not ready, and no error of ours. Vertex leaves an empty list out."""
    for answer in (
        json_answer({"error": "no"}, 404),
        json_answer({"error": "no"}, 503),
        json_answer(vendor.no_version),
    ):
        with serving(lambda _request, answer=answer: answer) as server:  # type: ignore[misc]
            adapter = vendor.connect(server.url)
            with pytest.raises(ModelUnavailable):
                adapter.version(MODEL)


def test_versions_in_another_shape_are_no_crash(vendor: Vendor) -> None:
    """An error with a name, whatever stands behind the URL."""
    bodies = iter([{"deployedModels": [7], "model_version_status": 7}, [], {}])
    with serving(lambda _request: json_answer(next(bodies))) as server:
        for _ in range(3):
            with pytest.raises((BadModelResponse, ModelUnavailable)):
                vendor.connect(server.url).version(MODEL)


def test_an_answer_that_drips_is_a_timeout(vendor: Vendor) -> None:
    """No pause is long, yet all of it would take minutes: the limit is for the whole answer."""
    dripping = replace(vendor.predictions(ROW), pause_seconds=0.2)
    started = time.monotonic()
    with serving(lambda _request: dripping) as server, pytest.raises(ModelTimeout):
        vendor.connect(server.url, 0.3).predict(MODEL, [b"photo"])
    assert time.monotonic() - started < PATIENCE_SECONDS


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_answer_whose_end_never_ends_is_a_timeout(vendor: Vendor) -> None:
    """Fast and without a pause, so that no read ever waits: the limit is for the whole answer."""
    started = time.monotonic()
    with (
        shouting(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n") as url,
        pytest.raises((ModelTimeout, ModelUnavailable)),
    ):
        vendor.connect(url, 0.3).predict(MODEL, [b"photo"])
    assert time.monotonic() - started < PATIENCE_SECONDS


def test_a_chunk_of_negative_length_is_a_bad_answer(vendor: Vendor) -> None:
    """Python's own exception would look like our error."""
    with shouting(CHUNKED + b"-5\r\n{}\r\n", b"") as url, pytest.raises(BadModelResponse):
        vendor.connect(url).predict(MODEL, [b"photo"])


def test_a_kept_connection_that_the_server_closes_costs_no_answer(vendor: Vendor) -> None:
    """It closes what was idle for long, now and then while a request is on its way."""
    hung_up = ScriptedAnswer(sent_bytes=-1)
    script = iter([vendor.predictions(ROW), hung_up, vendor.predictions(ROW)])
    with serving(lambda _request: next(script)) as server:
        adapter = vendor.connect(server.url)
        for _ in range(2):
            assert adapter.predict(MODEL, [b"photo"])[0].model_version == "Parrots/3"
    assert len(server.requests) == 3


def test_a_server_that_hangs_up_twice_is_unavailable(vendor: Vendor) -> None:
    """It is not asked forever."""
    with serving(lambda _request: ScriptedAnswer(sent_bytes=-1)) as server:
        with pytest.raises(ModelUnavailable):
            vendor.connect(server.url).predict(MODEL, [b"photo"])
        assert len(server.requests) == 2


def test_a_request_that_has_no_time_left_gives_the_model_none(vendor: Vendor) -> None:
    """Its own limit may be longer: the phone hangs up before."""
    late = replace(vendor.predictions(ROW), silent_seconds=30)
    started = time.monotonic()
    with (
        serving(lambda _request: late) as server,
        deadline.within(0.3),
        pytest.raises((ModelTimeout, ModelUnavailable)),
    ):
        vendor.connect(server.url).predict(MODEL, [b"photo"])
    assert time.monotonic() - started < PATIENCE_SECONDS


def test_an_endless_answer_is_refused(ask: Ask) -> None:
    """Before it fills the memory."""
    with pytest.raises(BadModelResponse, match="over 4,194,304 bytes"):
        ask.predict(ScriptedAnswer(b" " * (5 * 2**20)))


def test_a_compressed_answer_is_refused_unread(ask: Ask) -> None:
    """A few megabytes of gzip unpack to gigabytes, and we never ask for gzip."""
    packed = ScriptedAnswer(gzip.compress(bytes(2**20)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadModelResponse, match="compressed"):
        ask.predict(packed)


def test_probabilities_are_probabilities(ask: Ask) -> None:
    """Logits under the wrong name would make the model certain of everything."""
    for probabilities in ([0.5, 0.6], [1.5, -0.5], [0.1, 0.2], [-3.0, 4.0], [0.0, 0.0]):
        row = {**ROW, "probabilities": probabilities}
        with pytest.raises(BadModelResponse, match="not probabilities"):
            ask.predict(ask.vendor.predictions(row))


def test_probabilities_may_be_rounded(ask: Ask) -> None:
    """Models in half precision, and JSON with few digits."""
    row = {**ROW, "probabilities": [0.2505, 0.7488]}
    assert ask.predict(ask.vendor.predictions(row)).probabilities is not None


def test_connections_are_kept(vendor: Vendor) -> None:
    """A handshake for each photo would cost more than the model."""
    ports = set()

    def script(request: Request) -> ScriptedAnswer:
        ports.add(request.port)
        return vendor.predictions(ROW)

    with serving(script) as server:
        adapter = vendor.connect(server.url)
        for _ in range(3):
            adapter.predict(MODEL, [b"photo"])
    assert len(ports) == 1


def test_tf_serving_is_asked_for_the_newest_version_once_in_a_while() -> None:
    """A manifest may pin none, and asking for each photo would double the requests."""
    states = [{"version": str(number), "state": "AVAILABLE"} for number in (9, 10, 2)]

    def script(request: Request) -> ScriptedAnswer:
        if request.method == "GET":
            return json_answer({"model_version_status": states})
        return TF_SERVING.predictions(ROW)

    with serving(script) as server:
        adapter = TF_SERVING.connect(server.url)
        unpinned = replace(MODEL, version=None)
        predictions = [adapter.predict(unpinned, [b"photo"])[0] for _ in range(3)]
    assert {prediction.model_version for prediction in predictions} == {"Parrots/10"}
    assert [request.path for request in server.requests] == [
        "/v1/models/Parrots:predict",
        "/v1/models/Parrots",
        "/v1/models/Parrots:predict",
        "/v1/models/Parrots:predict",
    ]


def test_a_model_without_an_endpoint_is_unavailable() -> None:
    """The bundle and VERTEX_ENDPOINTS name different models."""
    adapter = VertexEndpoint({"Others": "http://127.0.0.1:1"}, unsigned(), timeout=TIMEOUT_SECONDS)
    with pytest.raises(ModelUnavailable, match="no endpoint is configured for Parrots"):
        adapter.predict(MODEL, [b"photo"])


def test_a_redirected_photo_is_not_sent_elsewhere(ask: Ask) -> None:
    """A login page in front of the server must not get photos, nor tokens."""
    with serving(lambda _request: ScriptedAnswer()) as elsewhere:
        moved = ScriptedAnswer(status=307, headers={"Location": elsewhere.url})
        with pytest.raises(BadModelResponse, match="307"):
            ask.predict(moved)
    assert elsewhere.requests == []


def test_vertex_is_sent_no_request_over_its_limit() -> None:
    """Five photos of one bird, or ten closer looks, are more than its 1.5 MB."""

    def rows(request: Request) -> ScriptedAnswer:
        return VERTEX.predictions(*[ROW] * len(request.json()["instances"]))

    photos = [bytes([number]) * 3 * 320 * 320 for number in range(10)]
    with serving(rows) as server:
        assert len(VERTEX.connect(server.url).predict(MODEL, photos)) == len(photos)
    sent = [instance for request in server.requests for instance in request.json()["instances"]]
    assert [base64.b64decode(instance["b64"]) for instance in sent] == photos
    assert all(len(request.body) <= 1_500_000 for request in server.requests)
    assert len(server.requests) == 4
