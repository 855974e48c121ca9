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

from tests.model_server.asking import BAD_REQUEST, assert_error, b64, outputs, predictions

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


# Status and metadata


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
