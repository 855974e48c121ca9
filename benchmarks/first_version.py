"""The first version, rewritten from its description, to compare with.

    python -m benchmarks.first_version FOLDER URL PORT

is its Flask process, with the pickles that `build` writes to FOLDER, and the model server at URL.

The same: the photo arrives in a form field `b64` and is decoded in full. tf.image.resize makes it
224 px, and it goes to ParrotExtractor as nested JSON lists of floats. The features pass through
scikit-learn's scaler, PCA, mixture and isotonic curve from joblib files. For a parrot, the same
photo at 299 px goes to ParrotClassifier.

Different: its weights were never published, so both models are our own backbone with a random head.
They are cheaper than its networks probably were (ResNet and Inception, judging by the sizes): this
measures the method. And the isotonic curve says "parrot" for every photo: both are always asked.
"""

import base64
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import requests
from flask import Flask, Response, request
from PIL import Image

from models.network.backbone import FEATURES, Backbone
from models.network.lazy_tf import tf

_EXTRACTOR_PX, _CLASSIFIER_PX = 224, 299
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # BGR
_CLASSES = 16
_COMPONENTS, _MIXTURES, _FITTED_ON = 64, 8, 600
_THRESHOLD = 0.5
_TIMEOUT_SECONDS = 60
_STAGES = ("scaler", "pca", "gmm", "iso")


def build(folder: Path) -> None:
    """Write `models/NAME/1` and the four joblib files."""
    backbone = Backbone.load()
    head = np.random.default_rng(1).normal(size=(FEATURES, _CLASSES)).astype(np.float32)

    def extract(pixels: Any) -> Mapping[str, Any]:  # noqa: ANN401 - TensorFlow has no types
        rgb = (pixels + np.array(_CAFFE_MEAN, np.float32))[..., ::-1]
        return {"features": backbone.features(rgb)}

    def classify(pixels: Any) -> Mapping[str, Any]:  # noqa: ANN401
        features = backbone.features(pixels * 255.0)
        return {"probabilities": tf().nn.softmax(tf().matmul(features, head))}

    for name, function, size in (
        ("ParrotExtractor", extract, _EXTRACTOR_PX),
        ("ParrotClassifier", classify, _CLASSIFIER_PX),
    ):
        image = tf().TensorSpec([None, size, size, 3], tf().float32, "pixels")
        signatures = {"serving_default": tf().function(function, input_signature=[image])}
        tf().saved_model.save(tf().Module(), str(folder / "models" / name / "1"), signatures)
    _fit_gate(folder)


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
        caffe = _resized(image, _EXTRACTOR_PX)[..., ::-1] - np.array(_CAFFE_MEAN, np.float32)
        features = _ask(model_server, "ParrotExtractor", caffe)
        reduced = pca.transform(scaler.transform(np.array([features])))
        if iso.predict(gmm.score_samples(reduced))[0] < _THRESHOLD:
            return Response("Not parrot")
        unit = _resized(image, _CLASSIFIER_PX) / np.float32(255)
        return Response(json.dumps(_ask(model_server, "ParrotClassifier", unit)))

    return app


def _resized(image: Any, size: int) -> Any:  # noqa: ANN401
    return tf().image.resize(image, (size, size)).numpy()


def _ask(url: str, model: str, pixels: Any) -> list[float]:  # noqa: ANN401
    """The model's one row."""
    url = f"{url}/v1/models/{model}:predict"
    answer = requests.post(url, json={"instances": [pixels.tolist()]}, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return list(answer.json()["predictions"][0])


if __name__ == "__main__":
    folder, model_server, port = sys.argv[1:]
    tf()  # at the start, not in the first request
    application(Path(folder), model_server).run("127.0.0.1", int(port), threaded=True)
