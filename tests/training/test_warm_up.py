"""The file that TF Serving warms a version up with: one photo, as functions send it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.network import model_folder, savedmodel
from models.network.lazy_tf import tf
from models.network.wrapper import wrap
from parrot.model.served_model import Encoding
from tests.support.saved_models import HEIGHT, SQUASHED, WIDTH, save

DEFAULT = Path(__file__).parents[2] / "models" / "default"
SHAPES = {Encoding.RAW: (1,), Encoding.JPEG: (1,), Encoding.FLOATS: (1, HEIGHT, WIDTH, 3)}


def logs(folder: Path) -> list[Any]:
    """The requests in a version folder, as TF Serving's own messages."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog  # noqa: PLC0415 - 4 s

    records = tf().data.TFRecordDataset(str(folder / "assets.extra" / "tf_serving_warmup_requests"))
    return [PredictionLog.FromString(record) for record in records.as_numpy_iterator()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle's SavedModel, built by today's code."""
    return model_folder.build(DEFAULT, tmp_path_factory.mktemp("models"))


def test_our_model_is_warmed_up_with_a_photo_of_its_size(built: Path) -> None:
    """In the signature that functions call, and the model answers it."""
    (log,) = logs(built)
    request = log.predict_log.request
    assert request.model_spec.name == "ParrotClassifier"
    assert request.model_spec.signature_name == "serving_default"
    pixels = tf().make_ndarray(request.inputs["pixels"])
    assert [len(photo) for photo in pixels] == [320 * 320 * 3]
    answer = tf().saved_model.load(str(built)).signatures["serving_default"](tf().constant(pixels))
    assert answer["probabilities"].shape[0] == 1


def test_a_model_without_its_warm_up_is_built_again(built: Path) -> None:
    """Those that older code built have none."""
    models = built.parents[1]
    assert model_folder.is_built(DEFAULT, models)
    note = built / "assets.extra" / "built-from.txt"
    written = note.read_text()
    note.write_text(written.replace(written.split()[0], "3", 1))
    assert not model_folder.is_built(DEFAULT, models)
    note.write_text(written)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_wrapped_model_is_warmed_up_in_the_encoding_that_functions_send(
    encoding: Encoding, tmp_path: Path
) -> None:
    """Other signatures would only make the start slower."""
    source = save(tmp_path / "source", (None, HEIGHT, WIDTH, 3))
    out = tmp_path / "Team" / "1"
    wrap(source, out, replace(SQUASHED, encoding=encoding))
    (log,) = logs(out)
    request = log.predict_log.request
    assert request.model_spec.name == "Team"
    assert request.model_spec.signature_name == savedmodel.SIGNATURES[encoding]
    inputs = {name: tf().make_ndarray(tensor) for name, tensor in request.inputs.items()}
    assert [value.shape for value in inputs.values()] == [SHAPES[encoding]]
    serve = tf().saved_model.load(str(out)).signatures[request.model_spec.signature_name]
    answer = serve(**{name: tf().constant(value) for name, value in inputs.items()})
    assert answer["features"].shape[0] == 1
