"""Pages of other sites: welcome where callers sign in, kept out where everybody is trusted."""

import json
from collections.abc import Mapping

from flask import Request, Response
from werkzeug.test import EnvironBuilder

from parrot.budget import Budget
from parrot.config import Settings
from parrot.http.respond import respond
from tests.support.settings import DEPLOYED, LOCAL

APP = "https://app.example"


def ask(
    env: Mapping[str, str],
    host: str,
    origin: str | None = None,
    method: str = "GET",
    path: str = "/known",
) -> Response:
    """A function's answer to a browser."""
    headers = [("Host", host), *([("Origin", origin)] if origin else [])]
    request = Request(EnvironBuilder(path=path, method=method, headers=headers).get_environ())
    handlers = {"GET": lambda _request: Response("yes")} if path == "/known" else {}
    return respond(request, lambda: Settings.from_env(env), lambda: Budget(1), handlers)


def test_a_browser_may_call_from_anywhere_but_without_credentials() -> None:
    """The web app lives on another origin; tokens travel in a header, never in cookies."""
    preflight = ask(DEPLOYED, "parrot.example", APP, "OPTIONS")
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_an_error_can_be_read_there_too() -> None:
    """A web app that cannot read the problem cannot show it."""
    missing = ask(DEPLOYED, "parrot.example", APP, path="/unknown")
    assert missing.status_code == 404
    assert missing.headers["Access-Control-Allow-Origin"] == "*"


def test_the_local_stack_answers_its_own_page() -> None:
    """And clients without a page: curl, a phone's app."""
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        for origin in (None, f"http://{host}"):
            assert ask(LOCAL, host, origin).status_code == 200, (host, origin)


def test_no_other_page_reads_the_local_stack_or_writes_to_it() -> None:
    """Everyone is trusted there, and DNS rebinding makes any page look like one of its own."""
    for host, origin in (
        *(("127.0.0.1:8080", page) for page in (APP, "null", "http://127.0.0.1:3000")),
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("evil.example:8080", "http://evil.example:8080"),
        *((name, None) for name in ("127.0.0.1.evil.example", "192.168.1.5:8080", "", "[")),
    ):
        for method in ("GET", "OPTIONS"):
            answer = ask(LOCAL, host, origin, method)
            assert answer.status_code == 403, (host, origin)
            assert json.loads(answer.get_data())["code"] == "forbidden"
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_phone_in_the_network_is_let_in_by_host() -> None:
    """By the given address, or by any address; never by an unknown name."""
    named = {**LOCAL, "LOCAL_HOST": "192.168.1.5"}
    everywhere = {**LOCAL, "LOCAL_HOST": "0.0.0.0"}  # noqa: S104 - nothing is bound
    for env in (named, everywhere):
        assert ask(env, "192.168.1.5:8080", "http://192.168.1.5:8080").status_code == 200
        assert ask(env, "evil.example:8080").status_code == 403
    assert ask(named, "192.168.1.6:8080").status_code == 403


def test_one_other_origin_can_be_let_in_by_name() -> None:
    """For people who develop their own page; the default `*` allows no origin here."""
    env = {**LOCAL, "CORS_ORIGINS": APP}
    assert ask(env, "127.0.0.1:8080", APP).headers["Access-Control-Allow-Origin"] == APP
    assert ask(env, "127.0.0.1:8080", "https://other.example").status_code == 403
