"""A model that takes lists of floats, wrapped so that it takes raw pixels or JPEG files.

The written SavedModel has three signatures with the outputs of the source:

    serving_default  pixels  string (batch): uint8 RGB, row by row, exactly of the model's size
    jpeg             jpeg    string (batch): JPEG files of any size; cut and resized in the graph
    floats           pixels  float32 (batch, height, width, 3): what the source itself takes
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.network import savedmodel
from models.network.lazy_tf import tf
from models.network.savedmodel import CHANNELS, SIGNATURES
from parrot.model.served_model import Encoding, InputSpec, Scaling, ServedModel
from parrot.photo import images
from parrot.records import Raster

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_RANK = 4
_TOLERANCE = 1e-4
_ROLES = ("features", "logits", "probabilities")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What was written; `outputs` is name -> shape without the batch, None for any size."""

    folder: Path
    spec: InputSpec  # what the source takes, and the encoding that functions will send
    outputs: Mapping[str, tuple[int | None, ...]]
    difference: float  # the largest difference from the source's outputs, on noise

    def served_model(self) -> ServedModel:
        """The model's entry for a manifest.

        Only outputs named features, logits or probabilities are in it: a person must say which
        role any other plays.
        """
        encoding = self.spec.encoding
        scaling = self.spec.scaling if encoding is Encoding.FLOATS else Scaling.NONE
        return ServedModel(
            name=self.folder.resolve().parent.name,
            version=self.folder.name,
            signature=SIGNATURES[encoding],
            input=replace(self.spec, scaling=scaling),
            classes=None,
            **{role: role if role in self.outputs else None for role in _ROLES},
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """A loaded model: `predict` maps its image input to outputs by name."""

    model: Any  # must be kept alive and saved with the graph: it owns the weights
    predict: Callable[[Any], Mapping[str, Any]]
    input: Any  # TensorSpec


def wrap(source: Path, out: Path, spec: InputSpec, *, signature: str | None = None) -> Wrapped:
    """Write `source` to the folder `out` (.../NAME/VERSION) with the preprocessing in its graph.

    `source` is a SavedModel folder or a Keras file. Only for files that you trust: a model is a
    program. `spec` is what it takes, and the encoding that functions will send, which it is warmed
    up with. `signature` of a SavedModel: by default its only one, or `serving_default`, as in TF
    Serving.

    Raises ValueError if the source is not such a model, FileExistsError if `out` exists.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists: a version that is served must not change")
    loaded = _load(source, signature)
    _check_input(loaded.input, spec, source)
    module = tf().Module()
    module.source = loaded.model

    def predict(pixels: Any) -> Any:
        return dict(loaded.predict(tf().cast(pixels, loaded.input.dtype)))

    with savedmodel.written(module, predict, out, spec) as (draft, traced):
        outputs = traced.get_concrete_function().structured_outputs
        difference = _difference(draft, loaded, spec)
    shapes = {name: tuple(value.shape[1:]) for name, value in outputs.items()}
    return Wrapped(out, spec, shapes, difference)


def _load(source: Path, signature: str | None) -> _Source:
    if source.suffix.lower() in KERAS_SUFFIXES and source.is_file():
        if signature is not None:
            raise ValueError(f"{source} is a Keras file: it has no signature {signature!r}")
        return _from_keras(source)
    if (source / "saved_model.pb").is_file():
        return _from_saved_model(source, signature)
    raise ValueError(
        f"{source} is neither a SavedModel folder nor a Keras file ({', '.join(KERAS_SUFFIXES)})"
    )


def _from_saved_model(source: Path, signature: str | None) -> _Source:
    model = tf().saved_model.load(str(source))
    names = sorted(model.signatures)
    name = signature or (names[0] if len(names) == 1 else SIGNATURES[Encoding.RAW])
    if name not in names:
        raise ValueError(f"{source} has no signature {name!r}; name one of: {', '.join(names)}")
    function = model.signatures[name]
    inputs = function.structured_input_signature[1]
    (key, spec), *others = inputs.items() or [(None, None)]
    if spec is None or others:
        raise ValueError(f"{source}: signature {name!r} takes {sorted(inputs)}, expected one image")
    return _Source(model, lambda pixels: function(**{key: pixels}), spec)


def _from_keras(source: Path) -> _Source:
    try:
        model = tf().keras.models.load_model(str(source), compile=False)
    except Exception as error:  # Keras raises almost anything on files that it cannot read
        raise ValueError(f"{source} cannot be loaded by Keras: {error}") from error
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        raise ValueError(f"{source} takes {len(inputs)} inputs, expected one image")
    # A Sequential does not name its output: take the name of its last layer.
    names = getattr(model, "output_names", None) or [model.layers[-1].name]

    def predict(pixels: Any) -> Mapping[str, Any]:
        outputs = model(pixels, training=False)
        if isinstance(outputs, dict):
            return outputs
        values = outputs if isinstance(outputs, list | tuple) else [outputs]
        return dict(zip(names, values, strict=True))

    spec = tf().TensorSpec(inputs[0].shape, inputs[0].dtype)
    return _Source(model, predict, spec)


def _check_input(taken: Any, spec: InputSpec, source: Path) -> None:
    """Raise ValueError unless `taken` is a batch of float images of the size of `spec`."""
    shape, dtype = taken.shape, tf().as_dtype(taken.dtype)
    if shape.rank != _RANK:
        raise ValueError(f"{source} takes {shape}, expected one image input of rank {_RANK}")
    if not dtype.is_floating:
        raise ValueError(f"{source} takes {dtype.name}, not floats: it needs no wrapping")
    wanted = (None, spec.height, spec.width, CHANNELS)
    if not tf().TensorShape(wanted).is_compatible_with(shape) or shape[0] is not None:
        raise ValueError(
            f"{source} takes images of shape {_shape(shape)}, expected {_shape(wanted)}"
            " (batch, height, width, channels)"
        )


def _shape(shape: Any) -> str:
    return "(" + ", ".join("any" if edge is None else str(edge) for edge in shape) + ")"


def _difference(written: Path, source: _Source, spec: InputSpec) -> float:
    """The largest difference on noise. Raises ValueError if it is more than rounding."""
    noise = np.random.default_rng(0).integers(
        0, 256, (2, spec.height, spec.width, CHANNELS), np.uint8
    )
    asked = replace(spec, encoding=Encoding.FLOATS)
    rasters = [Raster(pixels, spec.width, spec.height) for pixels in noise]
    stacked = np.stack([images.payload(raster, asked) for raster in rasters])
    expected = source.predict(tf().constant(stacked, source.input.dtype))
    serve = tf().saved_model.load(str(written)).signatures[SIGNATURES[Encoding.RAW]]
    try:
        outputs = serve(pixels=tf().constant([pixels.tobytes() for pixels in noise]))
    except tf().errors.OpError as error:
        # For example TensorFlow 1's reference variables: the copy does not have their values.
        why = " ".join(error.message.split())
        raise ValueError(f"the wrapped model does not run: {why:.300}") from error
    worst = 0.0
    for name, value in expected.items():
        known, got = np.asarray(value), outputs[name].numpy()
        if known.dtype.kind != "f":
            continue
        difference = float(np.abs(got - known).max(initial=0.0))
        if not difference <= _TOLERANCE * max(1.0, float(np.abs(known).max(initial=0.0))):
            raise ValueError(
                f"output {name!r} of the wrapped model differs by {difference:.2g} from the"
                " source's own: is it random at inference?"
            )
        worst = max(worst, difference)
    return worst
