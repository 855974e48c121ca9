"""The JSON of TF Serving's predict method, which Vertex AI uses too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pybase64

from parrot.errors import BadModelResponse
from parrot.records import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from parrot.model.served_model import ServedModel
    from parrot.records import Floats

_SUM_TOLERANCE, _TOLERANCE = 0.02, 1e-3  # a model in half precision is not more exact
_NUMBERS = "fiu"  # kinds of NumPy dtypes


def body(payloads: Sequence[bytes | Floats], **fields: str) -> bytes:
    """A request's JSON. Base64 needs no escaping, so it is not passed through `json`."""
    return _json(fields, map(_instance, payloads))


def batches(payloads: Sequence[bytes | Floats], *, most: int) -> Iterator[tuple[bytes, int]]:
    """Requests of at most `most` bytes with their counts of photos; a larger photo goes alone."""
    frame, comma = len(_json({}, [])), 2
    batch: list[bytes] = []
    size = frame
    for instance in map(_instance, payloads):
        if batch and size + comma + len(instance) > most:
            yield _json({}, batch), len(batch)
            batch, size = [], frame
        batch.append(instance)
        size += comma + len(instance)
    yield _json({}, batch), len(batch)


def _json(fields: Mapping[str, str], instances: Iterable[bytes]) -> bytes:
    head = "".join(f"{json.dumps(name)}: {json.dumps(value)}, " for name, value in fields.items())
    return b'{%b"instances": [%b]}' % (head.encode(), b", ".join(instances))


def _instance(payload: bytes | Floats) -> bytes:
    if isinstance(payload, bytes):
        return b'{"b64": "%b"}' % pybase64.b64encode(payload)
    return json.dumps(payload.tolist()).encode()


def predictions(
    answer: dict[str, Any], model: ServedModel, version: str, count: int
) -> list[Prediction]:
    """One for each of `count` photos, checked. Raises BadModelResponse."""
    rows = field(answer, "predictions", list)
    if len(rows) != count:
        photos = "one photo" if count == 1 else f"{count} photos"
        raise BadModelResponse(f"{model.name} gave {len(rows)} rows for {photos}")
    return [_prediction(row, model, version) for row in rows]


def _prediction(row: Any, model: ServedModel, version: str) -> Prediction:  # noqa: ANN401 - JSON
    if not isinstance(row, dict):  # TF Serving names outputs only if there are several
        names = list(model.outputs.values())
        if len(names) != 1:
            raise BadModelResponse(f"{model.name} gave one output instead of {names}")
        row = {names[0]: row}
    return Prediction(
        features=_vector(row, model.features, model),
        probabilities=_probabilities(_vector(row, model.probabilities, model), model),
        logits=_vector(row, model.logits, model),
        model_version=version,
        focus=_vector(row, model.focus, model),
        second_focus=_vector(row, model.second_focus, model),
    )


def _vector(row: dict[str, Any], name: str | None, model: ServedModel) -> Floats | None:
    if name is None:
        return None
    if name not in row:
        raise BadModelResponse(f"{model.name} gave no output {name!r}, but {sorted(row)}")
    try:
        numbers = np.asarray(row[name])
    except (ValueError, OverflowError) as error:  # lists of different lengths, a huge integer
        raise _not_a_vector(name, model) from error
    if numbers.dtype.kind not in _NUMBERS or numbers.size != max(numbers.shape, default=0):
        raise _not_a_vector(name, model)
    with np.errstate(over="ignore"):
        vector = numbers.astype(np.float32).reshape(-1)
    if not np.isfinite(vector).all():
        raise _not_a_vector(name, model)
    return vector


def _probabilities(vector: Floats | None, model: ServedModel) -> Floats | None:
    """Checked: logits under the wrong name would make everything look certain."""
    if vector is None:
        return None
    within = bool(((vector >= -_TOLERANCE) & (vector <= 1 + _TOLERANCE)).all())
    if not within or abs(float(vector.sum()) - 1) > _SUM_TOLERANCE:
        raise BadModelResponse(f"{model.name}: {model.probabilities} are not probabilities")
    return vector


def _not_a_vector(name: str, model: ServedModel) -> BadModelResponse:
    return BadModelResponse(f"{model.name}: {name} is not a vector of finite numbers")


def field(answer: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - JSON
    """A field that the answer must have. Raises BadModelResponse."""
    value = answer.get(key)
    if not isinstance(value, kind):
        raise BadModelResponse(f"the model server's answer has no {key}")
    return value
