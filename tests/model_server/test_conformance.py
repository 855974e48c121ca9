"""What this project's model server and TF Serving have in common.

Runs on our server, or on the one at TF_SERVING_URL (see `fixture_models` for how to start it).
Checks statuses, keys and values. What both refuse is in `test_conformance_errors`.
"""

from __future__ import annotations

import gzip
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.model_server.asking import (
    BAD_REQUEST,
    assert_error,
    b64,
    outputs,
    predictions,
    results,
)
from tests.model_server.conftest import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.model_server.conftest import Serving

# Formats


def test_rows_of_one_input_and_one_output_are_plain_lists(serving: Serving) -> None:
    """The documented half_plus_two example."""
    assert predictions(serving, "half_plus_two", {"instances": [1.0, 2, 5]}) == [2.5, 3.0, 4.5]


def test_columns_of_one_input_and_one_output_are_plain_lists(serving: Serving) -> None:
    """`inputs` needs no name where there is only one."""
    assert outputs(serving, "half_plus_two", {"inputs": [1.0, 2.0]}) == [2.5, 3.0]
    assert outputs(serving, "half_plus_two", {"inputs": {"x": [1.0, 2.0]}}) == [2.5, 3.0]


def test_rows_of_several_tensors_are_objects(serving: Serving) -> None:
    """One object per row, in and out."""
    body = {"instances": [{"a": [1, 2], "b": 3}, {"a": [4.5, 5], "b": -6}]}
    assert predictions(serving, "two_inputs", body) == [
        {"total": 6.0, "twice": 6},
        {"total": 3.5, "twice": -12},
    ]


def test_columns_of_several_tensors_are_one_object(serving: Serving) -> None:
    """The same call column by column."""
    body = {"inputs": {"a": [[1, 2], [4.5, 5]], "b": [3, -6]}}
    assert outputs(serving, "two_inputs", body) == {"total": [6.0, 3.5], "twice": [6, -12]}


def test_an_unknown_name_among_columns_is_passed_over(serving: Serving) -> None:
    """TF Serving looks up the signature's names in `inputs` and ignores everything else there."""
    body = {"inputs": {"x": [1.0], "other": [1]}}
    assert outputs(serving, "half_plus_two", body) == [2.5]


def test_one_named_input_may_come_as_an_object(serving: Serving) -> None:
    """Clients that always name their inputs need no special case."""
    assert predictions(serving, "half_plus_two", {"instances": [{"x": 1.0}]}) == [2.5]


def test_signature_name_selects_the_signature(serving: Serving) -> None:
    """And an empty name means the default, as in protobuf."""
    call = {"instances": [3.0]}
    assert predictions(serving, "signatures", call) == [6.0]
    assert predictions(serving, "signatures", {**call, "signature_name": "halve"}) == [1.5]
    assert predictions(serving, "signatures", {**call, "signature_name": ""}) == [6.0]


def test_a_scalar_output_has_columns_but_no_rows(serving: Serving) -> None:
    """There is no batch dimension to split."""
    call = {"signature_name": "total"}
    assert outputs(serving, "signatures", {**call, "inputs": [1.5, 2.0]}) == pytest.approx(3.5)
    assert_error(serving.predict("signatures", {**call, "instances": [1.5]}), BAD_REQUEST)


def test_an_output_may_have_no_rows(serving: Serving) -> None:
    """Nothing found is an answer, in rows too."""
    body = {"signature_name": "positive", "instances": [-1.0, -2.0]}
    assert predictions(serving, "signatures", body) == []
    body = {"signature_name": "signs", "instances": [0.0]}
    assert predictions(serving, "signatures", body) == []


def test_the_graph_decides_which_shapes_it_takes(serving: Serving) -> None:
    """What the signature says of shapes is for readers."""
    assert predictions(serving, "half_plus_two", {"instances": [[1.0, 2.0]]}) == [[2.5, 3.0]]
    assert outputs(serving, "half_plus_two", {"inputs": 1.0}) == 2.5
    assert predictions(serving, "version_1", {"instances": [2.0, 3.0]}) == [4.0, 4.5]
    body = {"inputs": {"a": [[1, 2, 3]], "b": [1]}}
    assert outputs(serving, "two_inputs", body) == {"total": [7.0], "twice": [2]}


def test_of_a_repeated_key_the_first_one_counts(serving: Serving) -> None:
    """JSON leaves it open; TF Serving looks keys up from the front."""
    body = b'{"instances": [1.0], "instances": [2.0]}'
    assert predictions(serving, "half_plus_two", body) == [2.5]
    body = b'{"inputs": {"x": [1.0], "x": [2.0]}}'
    assert outputs(serving, "half_plus_two", body) == [2.5]
    body = b'{"signature_name": "halve", "signature_name": "total", "instances": [1.0]}'
    assert predictions(serving, "signatures", body) == [0.5]


def test_scalar_inputs_need_no_list(serving: Serving) -> None:
    """Columns take any rank, base64 included."""
    body = {"signature_name": "scalar", "inputs": b64(b"\x00\xff")}
    assert outputs(serving, "strings", body) == b64(b"\x00\xff")


def test_strings_come_back_as_text_and_as_base64_by_name(serving: Serving) -> None:
    """The suffix `_bytes` is TF Serving's only sign for binary."""
    row = {"same": "héllo", "same_bytes": b64("héllo".encode()), "length": 6}
    for given in ("héllo", b64("héllo".encode())):
        assert predictions(serving, "strings", {"instances": [given]}) == [row]


def test_raw_pixels_travel_as_base64(serving: Serving) -> None:
    """This is how this project's clients send photos."""
    black, white = bytes(48), b"\xff" * 48
    body = {"instances": [b64(black), {"image_bytes": b64(white)}]}
    assert_error(serving.predict("raw_image", body), BAD_REQUEST)  # of two kinds
    rows = predictions(serving, "raw_image", {"instances": [b64(black), b64(white)]})
    assert [row["features"] for row in rows] == [[0.0] * 3, [255.0] * 3]
    assert rows[0]["probabilities"] == pytest.approx([1 / 3] * 3)


def test_base64_padding_may_be_missing(serving: Serving) -> None:
    """Both servers forgive it."""
    body = {"inputs": {"b64": "AP8"}, "signature_name": "scalar"}
    assert outputs(serving, "strings", body) == b64(b"\x00\xff")


def test_not_a_number_and_infinity_are_bare_words(serving: Serving) -> None:
    """In requests and in answers, although standard JSON has neither."""
    response = serving.predict("non_finite", {"instances": [1.0]})
    assert b"NaN" in response.content
    first, second, third, fourth = response.json()["predictions"][0]
    assert (first, second, fourth) == (math.inf, -math.inf, 1.0)
    assert math.isnan(third)
    body = b'{"signature_name": "float64", "inputs": [NaN, Infinity, -Infinity]}'
    echoed = outputs(serving, "types", body)
    assert math.isnan(echoed[0])
    assert echoed[1:] == [math.inf, -math.inf]


# Types

EXTREMES = [
    ("float32", [0.1, -3.4e38, 1e-20, 16777215]),
    ("float64", [0.1, 1.7e308, 2**53 - 1]),
    ("int8", [-128, 127]),
    ("int16", [-(2**15), 2**15 - 1]),
    ("int32", [-(2**31), 2**31 - 1]),
    ("int64", [-(2**63), 2**63 - 1]),
    ("uint8", [0, 255]),
    ("uint32", [0, 2**32 - 1]),
    ("uint64", [0, 2**64 - 1]),
    ("bool", [True, False]),
    ("string", ["", "ü"]),
]


@pytest.mark.parametrize(("dtype", "values"), EXTREMES)
def test_every_type_survives_the_round_trip(
    serving: Serving, dtype: str, values: list[Any]
) -> None:
    """At the ends of its range, nested, and as rows."""
    body = {"signature_name": dtype, "inputs": [values, values]}
    assert outputs(serving, "types", body) == [values, values]
    body = {"signature_name": dtype, "instances": [[values]]}
    assert predictions(serving, "types", body) == [[values]]


@pytest.mark.parametrize(
    ("dtype", "value", "rounded"),
    [
        ("float32", "16777217", 2.0**24),
        ("float32", "1e39", math.inf),
        ("float32", "1.79769e+308", math.inf),
        ("float32", "-1e39", -math.inf),
        ("float64", "9007199254740993", 2.0**53),
        ("float64", "18446744073709551616", 2.0**64),
        ("float64", "1e-400", 0.0),
    ],
)
def test_floats_are_rounded_to_their_type(
    serving: Serving, dtype: str, value: str, rounded: float
) -> None:
    """Silently since TF Serving 2.5, even to Infinity."""
    body = f'{{"signature_name": "{dtype}", "inputs": [{value}]}}'.encode()
    assert outputs(serving, "types", body) == [rounded]


def test_float32_is_written_as_short_as_it_can_be(serving: Serving) -> None:
    """0.1 stays 0.1 instead of 0.10000000149011612; a NaN nearby changes nothing."""
    for values in ([0.1, 0.25, 1e-7], [0.1, math.nan]):
        body = json.dumps({"instances": values, "signature_name": "float32"}).encode()
        assert b"0.1," in serving.predict("types", body).content.replace(b" ", b"")


# Versions and labels


def test_the_latest_version_answers_unless_another_is_named(serving: Serving) -> None:
    """The offset in the answer is the version's number."""
    for target in ("two_versions", "two_versions/versions/2"):
        assert predictions(serving, target, {"instances": [0.0]}) == [2.0]


def test_a_label_stands_for_a_version(serving: Serving) -> None:
    """For TF Serving, an unknown one is an invalid argument rather than not found."""
    call = {"instances": [1.0]}
    assert predictions(serving, "half_plus_two/labels/stable", call) == [2.5]
    assert_error(serving.predict("half_plus_two/labels/canary", call), BAD_REQUEST)


def test_a_model_of_tensorflow_1_answers(serving: Serving) -> None:
    """A graph with variables of its time, as in the documentation's half_plus_three."""
    assert predictions(serving, "version_1", {"instances": [[2.0], [3.0]]}) == [[4.0], [4.5]]


# Classify and regress


def test_classify_gives_labels_and_scores(serving: Serving) -> None:
    """A list of pairs for each example, for any signature with the right names."""
    body = {"examples": [{"x": 0.75, "name": ["macaw", "crow"]}, {"name": ["kea", b64(b"owl")]}]}
    assert results(serving, "examples:classify", body) == [
        [["macaw", 0.75], ["crow", 0.25]],
        [["kea", 0.0], ["owl", 1.0]],
    ]


def test_scores_alone_have_empty_labels(serving: Serving) -> None:
    """And the context holds for every example, unless the example says otherwise."""
    body = {
        "signature_name": "scores",
        "context": {"x": 0.25},
        "examples": [{}, {"x": [0.1]}],
    }
    assert results(serving, "examples:classify", body) == [
        [["", 0.25], ["", 0.75]],
        [["", 0.1], ["", 0.9]],
    ]


def test_regress_gives_a_number_per_example(serving: Serving) -> None:
    """For models of TensorFlow 2 and 1."""
    examples = {"examples": [{"x": 1.0}, {"x": [2.0]}]}
    body = {"signature_name": "regress", **examples}
    assert results(serving, "examples:regress", body) == [2.5, 3.0]
    assert results(serving, "version_1:regress", body) == [3.5, 4.0]


@pytest.mark.parametrize(
    ("target", "body", "phrase"),
    [
        ("examples:classify", {"instances": [1]}, "key 'examples' is expected and was not found"),
        ("examples:classify", {"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ("examples:regress", {"examples": []}, "'examples' value is an empty array"),
        ("examples:regress", {"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ("examples:classify", {"examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ("examples:classify", {"examples": [{"x": [1.5, "a"]}]}, "Unexpected element type"),
        ("examples:classify", {"examples": [{"x": [1, 1.5]}]}, "Unexpected element type"),
        ("examples:regress", {"examples": [{"x": 1.0}]}, "Expected one output Tensor."),
        (
            "examples:classify",
            {"examples": [{"x": 1.0}], "signature_name": "regress"},
            "Expected classification signature outputs to contain at least one of",
        ),
        (
            "examples:regress",
            {"examples": [{"x": 1.0}], "signature_name": "scores"},
            "No regression outputs found in SignatureDef",
        ),
        (
            "examples:regress",
            {"examples": [{"x": 1.0}], "signature_name": "wide"},
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1]",
        ),
        (
            "half_plus_two:classify",
            {"examples": [{"x": 1.0}]},
            "No classification inputs found in SignatureDef",
        ),
        (
            "half_plus_two:regress",
            {"examples": [{"x": 1.0}]},
            "No regression inputs found in SignatureDef",
        ),
        (
            "examples:classify",
            {"examples": [{"x": 1.0}], "signature_name": "nonesuch"},
            "No signature was found with the name: nonesuch",
        ),
    ],
)
def test_what_cannot_be_classified_is_refused(
    serving: Serving, target: str, body: dict[str, Any], phrase: str
) -> None:
    """In TF Serving's words."""
    response = serving.post(target, body)
    assert_error(response, BAD_REQUEST)
    assert phrase in response.json()["error"]


# Status and metadata


def test_only_the_verb_has_to_be_in_lower_case(serving: Serving) -> None:
    """The path's own words match in any case; a subresource that is not known means the status."""
    response = requests.post(
        f"{serving.url}/V1/Models/half_plus_two:predict",
        json={"instances": [1.0]},
        timeout=PATIENCE_SECONDS,
    )
    assert response.json() == {"predictions": [2.5]}
    assert list(serving.get("signatures/METADATA").json()) == ["model_version_status"]


@pytest.mark.parametrize("target", ["signatures", "signatures/versions/7"])
def test_status_lists_versions_with_state_and_error(serving: Serving, target: str) -> None:
    """The version is a string: 64-bit integers are in protobuf's JSON."""
    assert serving.get(target).json() == {
        "model_version_status": [
            {
                "version": "7",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def test_metadata_describes_every_signature(serving: Serving) -> None:
    """In protobuf's JSON form with its fields' own names."""
    metadata = serving.get("two_inputs/metadata").json()
    assert metadata["model_spec"] == {"name": "two_inputs", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["a"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["a"]["name"] == "serving_default_a:0"
    assert signature["inputs"]["a"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
        "unknown_rank": False,
    }
    assert set(signature["outputs"]) == {"total", "twice"}
    assert signature["outputs"]["twice"]["dtype"] == "DT_INT32"


def test_metadata_knows_tensors_of_any_rank(serving: Serving) -> None:
    """An unknown rank is not a scalar."""
    metadata = serving.get("types/versions/1/metadata").json()
    signature = metadata["metadata"]["signature_def"]["signature_def"]["int64"]
    assert signature["inputs"]["x"]["tensor_shape"] == {"dim": [], "unknown_rank": True}


# Encodings


def test_request_bodies_may_be_gzipped(serving: Serving) -> None:
    """Photos in base64 shrink by a quarter."""
    body = gzip.compress(json.dumps({"instances": [1.0]}).encode())
    response = serving.predict("half_plus_two", body, headers={"Content-Encoding": "gzip"})
    assert response.json() == {"predictions": [2.5]}


def test_a_body_that_only_claims_to_be_gzipped_is_refused(serving: Serving) -> None:
    """Whatever it would have said."""
    for body in (b'{"instances": [1.0]}', gzip.compress(b'{"instances": [1.0]}')[:-12]):
        response = serving.predict("half_plus_two", body, headers={"Content-Encoding": "gzip"})
        assert_error(response, BAD_REQUEST)


def test_the_content_type_does_not_matter(serving: Serving) -> None:
    """The documentation uses curl -d, which sends a form's content type."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = serving.predict("half_plus_two", b'{"instances": [1.0]}', headers=headers)
    assert response.json() == {"predictions": [2.5]}
