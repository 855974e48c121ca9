"""One contract for TF Serving and Vertex AI: what they are sent, and what they answer."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from parrot.adapters.model_server import VertexEndpoint, unsigned
from parrot.errors import ModelUnavailable
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving
from tests.support.vendors import (
    FEATURES_ONLY,
    MODEL,
    ROW,
    TF_SERVING,
    TIMEOUT_SECONDS,
    VERTEX,
    Vendor,
    predict,
)


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


def test_named_outputs_become_vectors(vendor: Vendor) -> None:
    """With the version that gave them."""
    prediction = predict(vendor.predictions(ROW), vendor=vendor)
    for name, numbers in ROW.items():
        vector = getattr(prediction, name)
        assert vector.dtype == np.float32
        assert vector.tolist() == numbers
    assert prediction.model_version == "Parrots/3"


def test_a_single_output_comes_without_its_name() -> None:
    """So does TF Serving answer; Vertex passes it on."""
    prediction = predict(TF_SERVING.predictions([0.5, 1.5]), FEATURES_ONLY)
    assert prediction.features.tolist() == [0.5, 1.5]
    assert prediction.probabilities is None
    assert prediction.logits is None


def test_a_pooled_map_of_one_pixel_is_a_vector() -> None:
    """Keras keeps (1, 1, n) where a model was exported without flattening."""
    prediction = predict(TF_SERVING.predictions({"features": [[[0.5, 1.5]]]}), FEATURES_ONLY)
    assert prediction.features.tolist() == [0.5, 1.5]


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


def test_a_kept_connection_that_the_server_closes_costs_no_answer() -> None:
    """It closes what was idle for long, now and then while a request is on its way."""
    hung_up = ScriptedAnswer(sent_bytes=-1)
    script = iter([TF_SERVING.predictions(ROW), hung_up, TF_SERVING.predictions(ROW)])
    with serving(lambda _request: next(script)) as server:
        adapter = TF_SERVING.connect(server.url)
        for _ in range(2):
            assert adapter.predict(MODEL, [b"photo"])[0].model_version == "Parrots/3"
    assert len(server.requests) == 3


def test_probabilities_may_be_rounded() -> None:
    """Models in half precision, and JSON with few digits."""
    row = {**ROW, "probabilities": [0.2505, 0.7488]}
    assert predict(TF_SERVING.predictions(row)).probabilities is not None


def test_connections_are_kept() -> None:
    """A handshake for each photo would cost more than the model."""
    ports = set()

    def script(request: Request) -> ScriptedAnswer:
        ports.add(request.port)
        return TF_SERVING.predictions(ROW)

    with serving(script) as server:
        adapter = TF_SERVING.connect(server.url)
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
