"""How the failures of TF Serving are named, whatever it sends.

Vertex AI is asked through the same calls, and its answers are read by the same code.
"""

import gzip
import re
from dataclasses import replace

import pytest

from parrot import deadline
from parrot.errors import BadModelResponse, ModelTimeout, ModelUnavailable, ParrotError
from tests.support.scripted_http import ScriptedAnswer, json_answer, serving, shouting
from tests.support.vendors import FEATURES_ONLY, MODEL, ROW, TF_SERVING, Vendor, predict
from tests.support.waiting import soon

REFUSALS = (b"", b"[1]", b'{"error": {"message": "x"}}', b"<html>")
PACKED = gzip.compress(bytes(2**20))


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (ModelUnavailable, (404, 409, 429, 499, 503)),
        (BadModelResponse, (302, 400, 501)),
        (ModelTimeout, (504,)),
    ],
)
def test_a_status_says_whether_to_try_again(
    vendor: Vendor, error: type[ParrotError], statuses: tuple[int, ...]
) -> None:
    """Later, or never: then the log has the server's own words. Cloud Run's own limit is a 504."""
    for status in statuses:
        with pytest.raises(error) as raised:
            predict(json_answer({"error": "the reason"}, status), vendor=vendor)
        if error is BadModelResponse:
            assert re.search(rf"{status}.*the reason", raised.value.detail)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        # Proxies answer HTML, Vertex nests its errors.
        *((ScriptedAnswer(body, 400), "400") for body in REFUSALS),
        # Any other row would be somebody else's bird.
        (TF_SERVING.predictions(), "0 rows"),
        (TF_SERVING.predictions(ROW, ROW), "2 rows"),
        # The manifest names an output that the model does not have.
        (
            TF_SERVING.predictions({"features": [1], "probabilities": [1]}),
            r"'logits'.*features.*probabilities",
        ),
        (TF_SERVING.predictions([0.5, 1.5]), "one output"),  # of which of the three?
        (ScriptedAnswer(b" " * (5 * 2**20)), "over 4,194,304 bytes"),
        # A few megabytes of gzip unpack to gigabytes, and we never ask for gzip.
        (ScriptedAnswer(PACKED, headers={"Content-Encoding": "gzip"}), "compressed"),
    ],
)
def test_what_nobody_can_use_is_refused_with_its_reason(
    answer: ScriptedAnswer, message: str
) -> None:
    """Trying again would not help: the deployment or the model is wrong."""
    with pytest.raises(BadModelResponse, match=message):
        predict(answer)


@pytest.mark.parametrize(("silence", "pause"), [(30, 0), (0, 0.2)])
def test_an_answer_that_comes_too_late_is_a_timeout(silence: float, pause: float) -> None:
    """504, after as long as the deployment allows for all of it: no single pause need be long."""
    late = replace(TF_SERVING.predictions(ROW), silent_seconds=silence, pause_seconds=pause)
    timeout = pytest.raises(ModelTimeout, match=r"0\.2 s")
    with soon(), serving(lambda _request: late) as server, timeout:
        TF_SERVING.connect(server.url, 0.2).predict(MODEL, [b"photo"])


def test_an_answer_that_breaks_off_is_unavailable() -> None:
    """An instance was shut down in the middle of it."""
    for sent_bytes in (-1, 0, 20):
        with pytest.raises(ModelUnavailable):
            predict(replace(TF_SERVING.predictions(ROW), sent_bytes=sent_bytes))


NOT_PREDICTIONS = (
    *(b"", b"<html>", b'{"predictions": [', b"[]", b"null", b"{}", b'{"predictions": null}'),
    *(b'{"predictions": {"features": [1]}}', b"\xff\xfe", b"[" * 100_000),
)


def test_what_is_not_an_object_with_predictions_is_refused() -> None:
    """Whatever a proxy in between makes of it, it is an error with a name."""
    for body in NOT_PREDICTIONS:
        with pytest.raises(BadModelResponse):
            predict(ScriptedAnswer(body))


NOT_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e400", "1e39", "9" * 400),
    *("null", '"x"', '"1.5"', "{}", "[1]", "[]"),
)


def test_a_vector_holds_finite_numbers_only() -> None:
    """Python's JSON reads NaN, and NumPy makes a number of nearly anything."""
    for features in NOT_NUMBERS:
        body = f'{{"predictions": [{{"features": [0.5, {features}]}}]}}'
        with pytest.raises(BadModelResponse, match="features"):
            predict(ScriptedAnswer(body.encode()), FEATURES_ONLY)


def test_versions_in_another_shape_are_no_crash(vendor: Vendor) -> None:
    """An error with a name, whatever stands behind the URL."""
    bodies = iter([{"deployedModels": [7], "model_version_status": 7}, [], {}])
    with serving(lambda _request: json_answer(next(bodies))) as server:
        for _ in range(3):
            with pytest.raises((BadModelResponse, ModelUnavailable)):
                vendor.connect(server.url).version(MODEL)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_answer_whose_end_never_ends_is_a_timeout() -> None:
    """Fast and without a pause, so that no read ever waits: the limit is for the whole answer."""
    with (
        soon(),
        shouting(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n") as url,
        pytest.raises((ModelTimeout, ModelUnavailable)),
    ):
        TF_SERVING.connect(url, 0.3).predict(MODEL, [b"photo"])


def test_a_chunk_of_negative_length_is_a_bad_answer() -> None:
    """Python's own exception would look like our error."""
    with shouting(CHUNKED + b"-5\r\n{}\r\n", b"") as url, pytest.raises(BadModelResponse):
        TF_SERVING.connect(url).predict(MODEL, [b"photo"])


def test_a_server_that_hangs_up_twice_is_unavailable() -> None:
    """It is not asked forever."""
    with serving(lambda _request: ScriptedAnswer(sent_bytes=-1)) as server:
        with pytest.raises(ModelUnavailable):
            TF_SERVING.connect(server.url).predict(MODEL, [b"photo"])
        assert len(server.requests) == 2


def test_a_request_that_has_no_time_left_gives_the_model_none() -> None:
    """Its own limit may be longer: the phone hangs up before."""
    late = replace(TF_SERVING.predictions(ROW), silent_seconds=30)
    with (
        soon(),
        serving(lambda _request: late) as server,
        deadline.within(0.3),
        pytest.raises((ModelTimeout, ModelUnavailable)),
    ):
        TF_SERVING.connect(server.url).predict(MODEL, [b"photo"])


def test_probabilities_are_probabilities() -> None:
    """Logits under the wrong name would make the model certain of everything."""
    for probabilities in ([0.5, 0.6], [1.5, -0.5], [0.1, 0.2], [-3.0, 4.0], [0.0, 0.0]):
        row = {**ROW, "probabilities": probabilities}
        with pytest.raises(BadModelResponse, match="not probabilities"):
            predict(TF_SERVING.predictions(row))


def test_a_redirected_photo_is_not_sent_elsewhere() -> None:
    """A login page in front of the server must not get photos, nor tokens."""
    with serving(lambda _request: ScriptedAnswer()) as elsewhere:
        moved = ScriptedAnswer(status=307, headers={"Location": elsewhere.url})
        with pytest.raises(BadModelResponse, match="307"):
            predict(moved)
    assert elsewhere.requests == []
