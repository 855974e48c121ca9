"""One prediction from request body to response body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.model_server import answers, tensors
from local.model_server.errors import InvalidArgument
from local.model_server.signatures import DEFAULT_SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.model_server.bodies import JsonObject
    from local.model_server.signatures import Array, Servable, Signature


def predict(servable: Servable, body: JsonObject) -> bytes:
    """Answer the body of a `:predict` request with the JSON of its response.

    Raises:
        InvalidArgument: the body does not fit the signature.
        ServingError: the model failed.
    """
    signature = find_signature(servable, body)
    by_row = _is_row_format(body)
    inputs = (
        _from_instances(body["instances"], signature)
        if by_row
        else _from_inputs(body["inputs"], signature)
    )
    outputs = servable.run(signature.name, inputs)
    return answers.rows(outputs) if by_row else answers.columns(outputs)


def find_signature(servable: Servable, body: JsonObject) -> Signature:
    """Look up the signature that `signature_name` asks for, or the default one.

    Raises:
        InvalidArgument: there is none of that name.
    """
    name = body.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise InvalidArgument(
            f"'signature_name' key must be a string value, not {tensors.preview(name)}"
        )
    signature = servable.signatures.get(name or DEFAULT_SIGNATURE)
    if signature is None:
        known = ", ".join(sorted(servable.signatures))
        raise InvalidArgument(
            f'Serving signature name: "{name}" not found in signature def; there is: {known}'
        )
    return signature


def _is_row_format(body: JsonObject) -> bool:
    given = [key for key in ("instances", "inputs") if key in body]
    if len(given) != 1:
        raise InvalidArgument(
            "Expecting only one of 'inputs' or 'instances' keys to exist"
            if given
            else "Missing 'inputs' or 'instances' key"
        )
    return given == ["instances"]


def _from_instances(instances: object, signature: Signature) -> Mapping[str, Array]:
    if not isinstance(instances, list) or not instances:
        raise InvalidArgument(
            f"Expecting 'instances' to be a list with values: {tensors.preview(instances)}"
        )
    objects = [isinstance(item, dict) and not tensors.is_base64(item) for item in instances]
    if not any(objects):
        return _single("instances", instances, signature)
    if not all(objects):
        raise InvalidArgument(
            f"Item {objects.index(not objects[0])} of 'instances' differs in kind from item 0"
        )
    names = {spec.name for spec in signature.inputs}
    for index, item in enumerate(instances):
        if item.keys() != names:
            raise InvalidArgument(
                f"Failed to process element: {index} of 'instances' list. It must have exactly "
                f"the keys: {', '.join(sorted(names))}. Got: {', '.join(sorted(item))}"
            )
    return {
        spec.name: tensors.from_json([item[spec.name] for item in instances], spec)
        for spec in signature.inputs
    }


def _from_inputs(inputs: object, signature: Signature) -> Mapping[str, Array]:
    if not isinstance(inputs, dict) or tensors.is_base64(inputs):
        return _single("inputs", inputs, signature)
    # Names that the signature does not have are ignored, as TF Serving does in this format.
    for spec in signature.inputs:
        if spec.name not in inputs:
            raise InvalidArgument(f"Missing named input: {spec.name} in 'inputs' object.")
    return {spec.name: tensors.from_json(inputs[spec.name], spec) for spec in signature.inputs}


def _single(key: str, value: object, signature: Signature) -> Mapping[str, Array]:
    """Take a value without a name, which only a signature with one input allows."""
    if len(signature.inputs) != 1:
        names = ", ".join(spec.name for spec in signature.inputs)
        raise InvalidArgument(
            f"'{key}' gives no names, but the signature has the inputs: {names or 'none'}"
        )
    (spec,) = signature.inputs
    return {spec.name: tensors.from_json(value, spec)}
