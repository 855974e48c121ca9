"""TF Serving and Vertex AI, where their answers differ."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from parrot.adapters.model_server import TfServing, VertexEndpoint, unsigned
from parrot.classify import ModelServer
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling, Scaling, ServedModel
from tests.support.scripted_http import ScriptedAnswer, json_answer, serving

INPUT = InputSpec(4, 4, Crop.CENTER, Resampling.ANTIALIAS, Scaling.NONE, Encoding.RAW)
MODEL = ServedModel("Parrots", "3", "look", INPUT, "features", "probabilities", "logits")
FEATURES_ONLY = replace(MODEL, probabilities=None, logits=None)
ROW = {"features": [0.5, 1.5], "probabilities": [0.25, 0.75], "logits": [-1.0, 1.0]}
TIMEOUT_SECONDS = 30.0  # no test waits so long
ENDPOINT = "/v1/projects/p/locations/r/endpoints/7"


@dataclass(frozen=True)
class Vendor:
    """How one of them is reached, and how it words its answers."""

    build: Callable[[str, float], ModelServer]  # from its URL and timeout
    predict_path: str
    model_path: str
    predicted: dict[str, Any]  # beside the rows
    asked: dict[str, Any]  # beside the instances
    versions: dict[str, Any]
    no_version: dict[str, Any]

    def connect(self, url: str, timeout: float = TIMEOUT_SECONDS) -> ModelServer:
        return self.build(url, timeout)

    def predictions(self, *rows: object) -> ScriptedAnswer:
        return json_answer({"predictions": rows, **self.predicted})


TF_SERVING = Vendor(
    build=lambda url, timeout: TfServing(url, unsigned(), timeout=timeout),
    predict_path="/v1/models/Parrots/versions/3:predict",
    model_path="/v1/models/Parrots/versions/3",
    predicted={},
    asked={"signature_name": "look"},
    versions={
        "model_version_status": [
            {"version": "2", "state": "UNLOADING"},
            {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK"}},
        ]
    },
    no_version={"model_version_status": [{"version": "3", "state": "LOADING"}]},
)
VERTEX = Vendor(
    build=lambda url, timeout: VertexEndpoint(
        {"Parrots": f"{url}{ENDPOINT}"}, unsigned(), timeout=timeout
    ),
    predict_path=f"{ENDPOINT}:predict",
    model_path=ENDPOINT,
    predicted={"deployedModelId": "123", "model": "projects/1/models/9", "modelVersionId": "3"},
    asked={},
    versions={"deployedModels": [{"id": "123", "modelVersionId": "3"}]},
    no_version={"name": "projects/p/locations/r/endpoints/7"},
)


def predict(answer: ScriptedAnswer, model: ServedModel = MODEL, vendor: Vendor = TF_SERVING) -> Any:
    """The prediction of a server that answers everything in the same way."""
    with serving(lambda _request: answer) as server:
        return vendor.connect(server.url).predict(model, [b"photo"])[0]
