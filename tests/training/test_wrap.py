"""Teams with their own models can stop sending lists of floats."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.network.lazy_tf import tf
from models.network.wrapper import Wrapped, wrap
from parrot.adapters.model_server import TfServing, unsigned
from parrot.model.manifest import Manifest
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling, Scaling
from parrot.photo import images
from tests.support.photos import PHOTOS, encoded, named, noise
from tests.support.saved_models import FEATURES, HEIGHT, SQUASHED, WIDTH, save
from tests.support.serving import model_server

DEFAULT = Path(__file__).parents[2] / "models" / "default" / "manifest.json"


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """Noise of odd and even sizes, wide and upright, and real photos if there are any."""
    made = [encoded(noise(*size), quality=90) for size in ((81, 50), (33, 120), (24, 16), (5, 3))]
    if not PHOTOS.is_dir():
        return made
    return made + [path.read_bytes() for path in named(PHOTOS / "parrots" / "galah", 4)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel with one signature."""
    folder = tmp_path_factory.mktemp("source")
    return save(folder / "model", (None, HEIGHT, WIDTH, 3))


def _keras() -> Any:
    layers = tf().keras.layers
    image = tf().keras.Input((HEIGHT, WIDTH, 3))
    features = layers.GlobalAveragePooling2D(name="features")(layers.Conv2D(5, 3)(image))
    dropped = layers.Dropout(0.5)(layers.BatchNormalization()(features))
    probabilities = layers.Dense(4, "softmax", name="probabilities")(dropped)
    return tf().keras.Model(image, [features, probabilities])


def _ask(wrapped: Wrapped, signature: str, inputs: list[bytes]) -> dict[str, Any]:
    serve = tf().saved_model.load(str(wrapped.folder)).signatures[signature]
    name = "jpeg" if signature == "jpeg" else "pixels"
    return {key: value.numpy() for key, value in serve(**{name: tf().constant(inputs)}).items()}


def _floats(data: bytes, spec: InputSpec) -> Any:
    """What a function sends to a model that takes floats."""
    asked = replace(spec, encoding=Encoding.FLOATS)
    return images.payload(images.pixels(images.read(data), asked), asked)


def _rounded(data: bytes, spec: InputSpec) -> tuple[bytes, Any]:
    """What a function sends to the wrapped model; the same pixels as floats."""
    raster = images.pixels(images.read(data), spec)
    raw = images.payload(raster, replace(spec, encoding=Encoding.RAW, scaling=Scaling.NONE))
    assert isinstance(raw, bytes)
    pixels = np.frombuffer(raw, np.uint8).reshape(spec.height, spec.width, 3)
    whole = replace(raster, pixels=pixels)
    return raw, images.payload(whole, replace(spec, encoding=Encoding.FLOATS))


@pytest.mark.parametrize("scaling", Scaling)
def test_raw_pixels_and_jpegs_give_what_the_source_gives_for_floats(
    scaling: Scaling, source: Path, jpegs: list[bytes], tmp_path: Path
) -> None:
    """Every answer and every threshold of a team's model stays the same."""
    spec = replace(SQUASHED, scaling=scaling)
    wrapped = wrap(source, tmp_path / "model" / "1", spec)
    original = tf().saved_model.load(str(source)).signatures["serving_default"]
    raw, rounded = zip(*(_rounded(data, spec) for data in jpegs), strict=True)
    cases = [
        ("serving_default", list(raw), np.stack(rounded)),
        ("jpeg", jpegs, np.stack([_floats(data, spec) for data in jpegs])),
    ]
    for signature, sent, floats in cases:
        expected = original(image=tf().constant(floats))
        found = _ask(wrapped, signature, sent)
        assert found.keys() == {"features", "seen"}
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name].numpy(), rtol=0, atol=1e-4)
    assert wrapped.difference <= 1e-4


@pytest.mark.parametrize("crop", Crop)
@pytest.mark.parametrize("resampling", [Resampling.TF_BILINEAR, Resampling.ANTIALIAS])
def test_jpegs_become_the_pixels_that_functions_would_send(
    crop: Crop, resampling: Resampling, source: Path, jpegs: list[bytes], tmp_path: Path
) -> None:
    """Noise shows any shift by a pixel; TensorFlow's kernel is Pillow's with other rounding.

    Files much larger than the input are left out: Pillow decodes those at a reduced scale.
    """
    spec = replace(SQUASHED, crop=crop, resampling=resampling)
    small = jpegs[2:4]
    seen = _ask(wrap(source, tmp_path / "1", spec), "jpeg", small)["seen"]
    rounding = 1 if resampling is Resampling.ANTIALIAS else 1e-4
    expected = [_floats(data, spec) for data in small]
    np.testing.assert_allclose(seen, expected, rtol=0, atol=rounding)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_keras_file_is_wrapped_with_the_names_of_its_outputs(
    suffix: str, jpegs: list[bytes], tmp_path: Path
) -> None:
    """Many teams have a Keras file and no SavedModel; dropout must be off."""
    model = _keras()
    model.save(tmp_path / f"model{suffix}")
    spec = replace(SQUASHED, scaling=Scaling.SYMMETRIC)
    wrapped = wrap(tmp_path / f"model{suffix}", tmp_path / "ParrotClassifier" / "3", spec)
    features, probabilities = model(np.stack([_floats(data, spec) for data in jpegs]))
    found = _ask(wrapped, "jpeg", jpegs)
    np.testing.assert_allclose(found["features"], features, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found["probabilities"], probabilities, rtol=0, atol=1e-4)
    assert wrapped.outputs == {"features": (5,), "probabilities": (4,)}


def test_a_sequential_keras_model_gives_its_output_the_name_of_its_last_layer(
    tmp_path: Path,
) -> None:
    """If the source does not name its outputs, use the name that TF Serving showed."""
    layers = tf().keras.layers
    image = tf().keras.Input((HEIGHT, WIDTH, 3))
    model = tf().keras.Sequential([image, layers.Flatten(), layers.Dense(3, name="dense_1")])
    model.save(tmp_path / "model.keras")
    wrapped = wrap(tmp_path / "model.keras", tmp_path / "ParrotClassifier" / "1", SQUASHED)
    assert wrapped.outputs == {"dense_1": (3,)}
    assert wrapped.served_model().dump()["outputs"] == {}, "a person must say what it is"


def test_the_manifest_entry_is_all_that_the_adapter_needs(
    source: Path, jpegs: list[bytes], tmp_path: Path
) -> None:
    """The purpose: a photo is sent as bytes, and the features are the wrapped model's."""
    spec = replace(SQUASHED, scaling=Scaling.UNIT, encoding=Encoding.RAW)
    wrapped = wrap(source, tmp_path / "ParrotExtractor" / "1", spec)
    sent = [_rounded(data, spec)[0] for data in jpegs]
    with model_server(tmp_path) as url:
        answers = TfServing(url, unsigned(), timeout=30).predict(wrapped.served_model(), sent)
    expected = _ask(wrapped, "serving_default", sent)["features"]
    features = np.array([answer.features for answer in answers])
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("encoding", Encoding)
def test_the_manifest_entry_is_one_that_a_bundle_accepts(
    encoding: Encoding, tmp_path: Path
) -> None:
    """Scaling is in the graph now: if the manifest named it too, it would be done twice."""
    entry = Wrapped(
        tmp_path / "ParrotExtractor" / "4",
        replace(SQUASHED, scaling=Scaling.CAFFE, encoding=encoding),
        {"features": (FEATURES,), "probabilities": (4,), "seen": (HEIGHT, WIDTH, 3)},
        0.0,
    ).served_model()
    default = Manifest.parse(DEFAULT.read_bytes())
    # A wrapped model gives no focus and no logits, so nothing may ask for them.
    rules = replace(default.rules, conformal=None, second_look=None, reasons=None)
    bundle = replace(default, models=(entry,), rules=rules)
    (parsed,) = Manifest.parse(bundle.dump()).models
    assert (parsed.name, parsed.version) == ("ParrotExtractor", "4")
    outputs = (parsed.features, parsed.probabilities, parsed.logits)
    assert outputs == ("features", "probabilities", None)
    assert parsed.input.encoding is encoding
    floats = encoding is Encoding.FLOATS
    assert parsed.input.scaling is (Scaling.CAFFE if floats else Scaling.NONE)
    assert parsed.input.resampling is Resampling.TF_BILINEAR


def test_what_keras_exports_is_wrapped_without_naming_a_signature(tmp_path: Path) -> None:
    """Keras writes the same function twice, as `serve` and as `serving_default`."""
    _keras().export(str(tmp_path / "model"), verbose=False)
    assert wrap(tmp_path / "model", tmp_path / "1", SQUASHED).difference <= 1e-4
