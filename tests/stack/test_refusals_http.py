"""Requests that classify and its neighbours refuse, and the problems that say why."""

from urllib.parse import urljoin

import pytest
import requests

from tests.support.problems import assert_problem


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"data": b"", "headers": {"Content-Type": "image/jpeg"}}, 400, "invalid_image"),
        ({"data": {"b64": ""}}, 400, "invalid_image"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"data": b"[" * 99999, "headers": {"Content-Type": "application/json"}}, 400, None),
        ({"json": ["x"]}, 400, "invalid_image"),
        ({"json": {"image": 5}}, 400, "invalid_image"),
        ({"data": b"GIF89a", "headers": {"Content-Type": "image/gif"}}, 415, "unsupported_media"),
        ({"data": b"<a/>", "headers": {"Content-Type": "text/xml"}}, 415, "unsupported_media"),
        ({"files": {"image": b"\xff\xd8\xff\xe0 no jpeg"}}, 422, "invalid_image"),
        (
            {"data": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            400,
            "invalid_image",
        ),
        ({"data": b"x", "params": {"top": "0"}}, 400, "invalid_request"),
        ({"data": b"x", "params": {"top": "٣"}}, 400, "invalid_request"),
        ({"data": b"x", "headers": {"Authorization": "Basic eDp5"}}, 401, "unauthenticated"),
        ({"data": b"x", "headers": {"Authorization": "Bearer hello"}}, 401, "unauthenticated"),
    ],
)
def test_bad_requests_get_a_problem_that_names_them(
    classify_url: str, request_: dict[str, object], status: int, code: str | None
) -> None:
    """The app can tell a person what to do; nothing is a server error."""
    response = requests.post(classify_url, timeout=30, **request_)  # type: ignore[arg-type]
    assert_problem(response, status, code)


@pytest.mark.smoke
def test_a_body_over_the_limit_is_refused(classify_url: str) -> None:
    """Twenty megabytes are enough for any phone; the length of chunks is not known in advance."""
    for body in (bytes(29 * 2**20), (bytes(2**20) for _ in range(32))):
        headers = {"Content-Type": "image/jpeg"}
        response = requests.post(classify_url, data=body, headers=headers, timeout=60)
        assert_problem(response, 413, "photo_too_large")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("classify", "POST, GET, HEAD, OPTIONS"),
        ("save", "POST, OPTIONS"),
        ("observations", "GET, HEAD, OPTIONS"),
        ("observations/some-id", "GET, PATCH, DELETE, HEAD, OPTIONS"),
    ],
)
def test_other_methods_are_refused_with_the_allowed_ones(
    running_url: str, path: str, allowed: str
) -> None:
    """RFC 9110 asks for Allow, and OPTIONS says the same."""
    url = f"{running_url}/parrot-classifier/{path}"
    refused = requests.put(url, timeout=30)
    assert_problem(refused, 405, "method_not_allowed")
    options = requests.options(url, timeout=30)
    assert options.status_code == 204
    assert "Content-Type" not in options.headers
    assert refused.headers["Allow"] == options.headers["Allow"] == allowed


def test_a_path_that_does_not_exist_is_a_problem_that_a_program_can_read(running_url: str) -> None:
    """An HTML page is useless to it."""
    for path in ("", "/", "/image", "/classifying", "/classify/more", "/observations/a/b/c"):
        for method in ("GET", "POST", "DELETE"):
            url = f"{running_url}/parrot-classifier{path}"
            assert_problem(requests.request(method, url, timeout=30), 404, "not_found")


@pytest.mark.smoke
def test_the_page_about_errors_is_where_every_problem_points(classify_url: str) -> None:
    """A link in `type` leads to an explanation."""
    problem = requests.delete(classify_url, timeout=30).json()
    page = requests.get(urljoin(classify_url, problem["type"]), timeout=30)
    assert page.headers["Content-Type"].startswith("text/html")
    assert f'id="{problem["code"]}"' in page.text


def test_decoders_messages_are_not_passed_on(classify_url: str) -> None:
    """Addresses and module names help only an attacker."""
    for header in (b"RIFF\0\0\0\0WEBPjunk", b"\xff\xd8\xffjunkjunkjunk"):
        response = requests.post(classify_url, files={"image": header}, timeout=30)
        assert_problem(response, 422, "invalid_image")
        assert response.json()["detail"].endswith("is damaged or incomplete")
