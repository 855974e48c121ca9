"""The first version, rewritten from its description, to compare with.

    python -m benchmarks.first_version build FOLDER           two models, four pickles
    python -m benchmarks.first_version serve FOLDER PORT URL  the Flask process; URL: model server

The same: the photo arrives in a form field `b64` and is decoded in full. tf.image.resize makes it
224 px, and it goes to ParrotExtractor as nested JSON lists of floats. The features pass through
scikit-learn's scaler, PCA, mixture and isotonic curve from joblib files. For a parrot, the same
photo at 299 px goes to ParrotClassifier.

Different: both models are our own EfficientNet-Lite2 backbone with a random head, because the first
version's weights were never published. They are cheaper than its networks probably were (ResNet and
Inception, judging by the sizes), so this measures the method and not the models. And the isotonic
curve says "parrot" for every photo, so that both models are always asked.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import requests
from flask import Flask, Response, request
from PIL import Image

from models.network.backbone import FEATURES, Backbone
from models.network.lazy_tf import tf

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRACTOR_PX, CLASSIFIER_PX = 224, 299
SENT, RECEIVED = "X-Model-Bytes-Sent", "X-Model-Bytes-Received"
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # BGR
_CLASSES = 16
_COMPONENTS, _MIXTURES, _FITTED_ON = 64, 8, 600
_THRESHOLD = 0.5
_TIMEOUT_SECONDS = 60
_STAGES = ("scaler", "pca", "gmm", "iso")
_BUILT = "built-3.txt"  # increase the number when what is built changes


def is_built(folder: Path) -> bool:
    """Whether `build` has nothing to do."""
    return (folder / _BUILT).is_file()


def build(folder: Path) -> None:
    """Write `models/NAME/1` and the four joblib files, completely or not at all."""
    draft = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    backbone = Backbone.load()
    head = np.random.default_rng(1).normal(size=(FEATURES, _CLASSES)).astype(np.float32)

    def extract(pixels: Any) -> Mapping[str, Any]:  # noqa: ANN401 - TensorFlow has no types
        rgb = (pixels + np.array(_CAFFE_MEAN, np.float32))[..., ::-1]
        return {"features": backbone.features(rgb)}

    def classify(pixels: Any) -> Mapping[str, Any]:  # noqa: ANN401
        features = backbone.features(pixels * 255.0)
        return {"probabilities": tf().nn.softmax(tf().matmul(features, head))}

    models = (
        ("ParrotExtractor", extract, EXTRACTOR_PX),
        ("ParrotClassifier", classify, CLASSIFIER_PX),
    )
    for name, function, size in models:
        image = tf().TensorSpec([None, size, size, 3], tf().float32, "pixels")
        signature = tf().function(function, input_signature=[image])
        tf().saved_model.save(
            tf().Module(), str(draft / "models" / name / "1"), {"serving_default": signature}
        )
    _fit_gate(draft)
    (draft / _BUILT).touch()
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _fit_gate(folder: Path) -> None:
    """Stages of the usual sizes; the data they are fitted on does not change their cost."""
    import joblib  # noqa: PLC0415 - with scikit-learn 0.8 s, which is part of what is measured
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    features = np.abs(np.random.default_rng(2).normal(size=(_FITTED_ON, FEATURES)))
    scaler = StandardScaler().fit(features)
    pca = PCA(_COMPONENTS, random_state=0).fit(scaler.transform(features))
    reduced = pca.transform(scaler.transform(features))
    gmm = GaussianMixture(_MIXTURES, reg_covar=1e-3, random_state=0).fit(reduced)
    scores = gmm.score_samples(reduced)
    iso = IsotonicRegression(out_of_bounds="clip").fit(scores, np.ones(len(scores)))
    for name, stage in zip(_STAGES, (scaler, pca, gmm, iso), strict=True):
        joblib.dump(stage, folder / f"{name}.joblib")


def application(folder: Path, model_server: str) -> Flask:
    """The Flask application; everything is loaded before the first request, as in the original."""
    import joblib  # noqa: PLC0415

    scaler, pca, gmm, iso = (joblib.load(folder / f"{name}.joblib") for name in _STAGES)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_FORM_MEMORY_SIZE"] = None  # Flask had no limit then

    @app.post("/parrot-classifier/classify")
    def classify() -> Response:
        photo = Image.open(io.BytesIO(base64.b64decode(request.form["b64"]))).convert("RGB")
        image = np.asarray(photo)
        caffe = _resized(image, EXTRACTOR_PX)[..., ::-1] - np.array(_CAFFE_MEAN, np.float32)
        row, traffic = _ask(model_server, "ParrotExtractor", caffe)
        reduced = pca.transform(scaler.transform(np.array([row])))
        answer = "Not parrot"
        if iso.predict(gmm.score_samples(reduced))[0] >= _THRESHOLD:
            unit = _resized(image, CLASSIFIER_PX) / np.float32(255)
            row, more = _ask(model_server, "ParrotClassifier", unit)
            traffic = (traffic[0] + more[0], traffic[1] + more[1])
            answer = json.dumps(row)
        # Not in the first version: tells the benchmark what was sent to the model server.
        return Response(answer, headers={SENT: str(traffic[0]), RECEIVED: str(traffic[1])})

    return app


def _resized(image: Any, size: int) -> Any:  # noqa: ANN401
    return tf().image.resize(image, (size, size)).numpy()


def _ask(url: str, model: str, pixels: Any) -> tuple[list[float], tuple[int, int]]:  # noqa: ANN401
    """The model's one row, and the sizes in bytes of both bodies."""
    answer = requests.post(
        f"{url}/v1/models/{model}:predict",
        json={"instances": [pixels.tolist()]},
        timeout=_TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    sent = len(answer.request.body or b"")
    return answer.json()["predictions"][0], (sent, int(answer.headers["Content-Length"]))


def _main(command: str, folder: Path, *rest: str) -> None:
    if command == "build":
        build(folder)
    else:
        port, url = rest
        tf()  # at the start, not in the first request
        application(folder, url).run("127.0.0.1", int(port), threaded=True)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
