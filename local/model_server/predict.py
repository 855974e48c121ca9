"""One `:predict` request: its JSON body in, its JSON answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.model_server import answers, tensors
from local.model_server.bodies import Repetitive, preview
from local.model_server.errors import InvalidArgument, ServingError
from local.model_server.signatures import DEFAULT_SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.model_server.bodies import JsonObject
    from local.model_server.signatures import Array, Servable, Signature, TensorSpec


def predict(servable: Servable, body: JsonObject) -> bytes:
    """Answer the body of a `:predict` request with the JSON of its response.

    Raises:
        InvalidArgument: the body does not fit the signature.
        ServingError: the model failed.
    """
    name = signature_name(body)
    signature = servable.signatures.get(name)
    if signature is None:
        known = ", ".join(sorted(servable.signatures))
        raise InvalidArgument(
            f'Serving signature name: "{name}" not found in signature def; there is: {known}'
        )
    if not signature.inputs:
        shown = body.get("signature_name") or "DEFAULT"
        raise InvalidArgument(f"Failed to get input map for signature: {shown}")
    by_row = _is_row_format(body)
    inputs = (
        _from_instances(body["instances"], signature, body)
        if by_row
        else _from_inputs(body["inputs"], signature)
    )
    outputs = servable.run(signature.name, inputs)
    return answers.rows(outputs) if by_row else answers.columns(outputs)


def signature_name(body: JsonObject) -> str:
    """The signature that the body asks for, or the default one.

    Raises:
        InvalidArgument: `signature_name` is not a string.
    """
    name = body.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise InvalidArgument(
            f"JSON Value: {preview(body)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name or DEFAULT_SIGNATURE


def _is_row_format(body: JsonObject) -> bool:
    given = [key for key in ("instances", "inputs") if key in body]
    if not given:
        raise InvalidArgument("Missing 'inputs' or 'instances' key")
    if len(given) > 1:
        raise InvalidArgument(
            f"JSON Value: {preview(body)} Not formatted correctly expecting only one of 'inputs' "
            "or 'instances' keys to exist "
        )
    return given == ["instances"]


def _from_instances(
    instances: object, signature: Signature, body: JsonObject
) -> Mapping[str, Array]:
    if not isinstance(instances, list):
        raise InvalidArgument(
            f"JSON Value: {preview(body)} Excepting 'instances' to be an list/array"
        )
    if not instances:
        raise InvalidArgument(f"JSON Value: {preview(body)} No values in 'instances' array")
    objects = [isinstance(item, dict) and not tensors.is_base64(item) for item in instances]
    if not objects[0] and len(signature.inputs) > 1:
        raise InvalidArgument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if not all(kind == objects[0] for kind in objects):
        item = objects.index(not objects[0])
        mismatch = "object but got list" if objects[0] else "value/list but got object"
        raise InvalidArgument(f"Expecting {mismatch} at item {item} of input list")
    if not objects[0]:
        (spec,) = signature.inputs
        return {spec.name: _stacked(instances, spec)}
    _check_keys(instances, signature)
    return {
        spec.name: _stacked([item[spec.name] for item in instances], spec, f" key: {spec.name}")
        for spec in signature.inputs
    }


def _check_keys(instances: list[Any], signature: Signature) -> None:
    names = sorted(spec.name for spec in signature.inputs)
    for index, item in enumerate(instances):
        unknown = sorted(item.keys() - set(names))
        if unknown:
            raise InvalidArgument(
                f"Failed to process element: {index} key: {unknown[0]} of 'instances' list. "
                "Error: INVALID_ARGUMENT: JSON object: does not have named input: "
                f"{unknown[0]}; there is: {', '.join(names)}"
            )
        if len(item) != len(names):
            raise InvalidArgument(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{preview(item)} must only have keys: {','.join(names)}"
            )
        if isinstance(item, Repetitive):  # TF Serving mixes the values of several rows up
            raise InvalidArgument(
                f"Failed to process element: {index} of 'instances' list. "
                f"JSON object: {preview(item)} has a repeated key"
            )


def _stacked(values: list[Any], spec: TensorSpec, key: str = "") -> Array:
    """One tensor of all rows. Converted at once; who is to blame is only looked up in failure."""
    try:
        return tensors.from_json(values, spec)
    except ServingError as error:
        first = None
        for index, value in enumerate(values):
            complaint = _complaint(value, spec, first)
            if complaint is not None:
                raise InvalidArgument(
                    f"Failed to process element: {index}{key} of 'instances' list. "
                    f"Error: {complaint}"
                ) from error
            first = values[0]
        raise


def _complaint(value: object, spec: TensorSpec, first: object) -> str | None:
    """What TF Serving says of one row, of which every one must be like the first."""
    try:
        array = tensors.from_json(value, spec)
    except ServingError as error:
        return f"{error.code.name}: {error.message}"
    if first is None:
        return None
    size, shape = array.size, list(array.shape)
    wanted = list(tensors.shape_of(first))
    if shape == wanted:
        return None
    wanted_size = tensors.from_json(first, spec).size
    if size != wanted_size:
        return f"INVALID_ARGUMENT: Expecting tensor size: {wanted_size} but got: {size}"
    return f"INVALID_ARGUMENT: Expecting shape {_show(wanted)} but got: {_show(shape)}"


def _show(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _from_inputs(inputs: object, signature: Signature) -> Mapping[str, Array]:
    if not isinstance(inputs, dict) or tensors.is_base64(inputs):
        if len(signature.inputs) > 1:
            raise InvalidArgument(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        (spec,) = signature.inputs
        return {spec.name: tensors.from_json(inputs, spec)}
    # A name beyond the signature's is ignored: TF Serving only looks the signature's own up.
    for spec in signature.inputs:
        if spec.name not in inputs:
            raise InvalidArgument(f"Missing named input: {spec.name} in 'inputs' object.")
    return {spec.name: tensors.from_json(inputs[spec.name], spec) for spec in signature.inputs}
