"""Quotas: decided by pure arithmetic, counted per user, reported in RateLimit headers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from local.stack import Running
from parrot.errors import TooManyRequests
from parrot.quota import ANONYMOUS_UID, Allowance, Meter, User
from parrot.store import ObservationStore, Quota
from tests.support import hostile
from tests.support.attacked import sending
from tests.support.deployed import functions
from tests.support.phone import BASE, REVIEWERS, Phone
from tests.support.photos import encoded, noise
from tests.support.problems import assert_problem
from tests.support.settings import environment_of
from tests.support.stores import on_sqlite

SAVES = Quota("saves", 3, 86400)


def test_what_is_left_and_until_when_is_arithmetic() -> None:
    """Windows start at midnight, UTC."""
    noon = 20_000 * 86_400 + 43_200.5
    assert SAVES.window(noon) == 20_000
    assert Allowance.after(1, SAVES, noon) == Allowance(SAVES, remaining=2, resets_in=43_200)
    assert Allowance.after(3, SAVES, noon).remaining == 0
    with pytest.raises(TooManyRequests) as caught:
        Allowance.after(4, SAVES, noon)
    assert caught.value.retry_after == 43_200


def test_a_count_is_kept_until_no_clock_can_need_it() -> None:
    """Firestore removes it after that; an instance's clock may be a window behind."""
    use = Meter(lambda: pytest.fail("nothing is stored"), SAVES, lambda: 86_399.0).use(User("ana"))
    assert use is not None
    assert use.expires.timestamp() >= 2 * 86_400
    assert use.added(0, 2) == (0, 3)
    assert use.added(1, 2) == (1, 3)
    assert use.added(2, 3) == (0, 1)


@on_sqlite
def test_all_photos_of_a_request_count_or_none(store: ObservationStore) -> None:
    """What is refused costs nothing."""
    meter = Meter(lambda: store, SAVES, lambda: 86_400.0)
    assert meter.take(User("ana"), 2) == Allowance.after(2, SAVES, 86_400.0)
    with pytest.raises(TooManyRequests):
        meter.take(User("ana"), 2)
    assert meter.take(User("ana")) == Allowance.after(3, SAVES, 86_400.0)


@on_sqlite
def test_nothing_is_counted_without_a_limit_or_a_login(store: ObservationStore) -> None:
    """Anonymous callers share one uid; one phone must not use up everyone's quota."""
    nobody = User(ANONYMOUS_UID, anonymous=True)
    for limit, user in ((0, User("ana")), (1, nobody)):
        meter = Meter(lambda: store, Quota("saves", limit, 60))
        assert [meter.take(user) for _ in range(3)] == [None] * 3


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, running: Running) -> Iterator[str]:
    """The URL of functions with limits that a few requests reach."""
    limits = {
        "SAVES_PER_DAY": "2",
        "CLASSIFICATIONS_PER_MINUTE": "3",
        "RELABELS_PER_DAY": "2",
        "CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE": "2",
        "TRUSTED_PROXIES": "1",
        "DOWNLOAD_MIB_PER_MINUTE": "1",
    }
    folder = tmp_path_factory.mktemp("limited")
    with functions(folder, **{**environment_of(running), **limits}) as url:
        yield url.removesuffix(BASE)


def test_quotas_over_http(limited: str, ana: Phone) -> None:
    """429 with Retry-After; a retry of a save uses up nothing."""
    ana = replace(ana, url=limited)

    def save(seed: int) -> requests.Response:
        return ana.ask("POST", "/save?index=1", data=encoded(noise(32, 24, seed=seed)))

    first, again, second, refused = (save(seed) for seed in (1, 1, 2, 3))
    assert [response.status_code for response in (first, again, second)] == [201, 200, 201]
    assert first.headers["RateLimit-Policy"] == '"saves";q=2;w=86400'
    assert first.headers["RateLimit"].startswith('"saves";r=1;t=')
    assert "RateLimit" not in again.headers
    assert_problem(refused, 429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["RateLimit"].startswith('"saves";r=0;t=')
    assert save(2).status_code == 200
    assert len(ana.pages()) == 2

    path = f"/observations/{first.json()['id']}"
    relabelled = [ana.ask("PATCH", path, json={"index": index}) for index in (2, 3, 4)]
    assert [response.status_code for response in relabelled] == [200, 200, 429]
    assert relabelled[0].headers["RateLimit-Policy"] == '"relabels";q=2;w=86400'
    assert relabelled[2].json()["code"] == "too_many_requests"
    assert ana.get(path).json()["index"] == 3
    assert Phone(limited, "bea").save(9)

    photo = encoded(noise(32, 24))
    # Seven in a row reach the limit of three even where a minute begins among them.
    responses = [ana.ask("POST", "/classify", data=photo) for _ in range(7)]
    assert {response.status_code for response in responses} == {200, 429}
    assert responses[0].headers["RateLimit-Policy"] == '"classifications";q=3;w=60'


def test_who_is_not_signed_in_has_a_limit_of_their_own(limited: str) -> None:
    """By address, before the body is read; those who sign in are not counted with them."""
    url, photo = f"{limited}{BASE}/classify", encoded(noise(32, 24))

    def ask(address: str, **more: str) -> requests.Response:
        headers = {"X-Forwarded-For": f"1.2.3.4, {address}", **more}
        return requests.post(url, data=photo, headers=headers, timeout=30)

    # Five in a row reach the limit of two even where a minute begins among them.
    answers = [ask("203.0.113.7") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[0].headers["RateLimit-Policy"] == '"classifications";q=2;w=60'
    refused = ask("203.0.113.7")
    assert_problem(refused, 429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 0
    assert ask("203.0.113.8").status_code == 200
    assert ask("203.0.113.7", Authorization="Bearer local:cleo").status_code == 200
    head = "X-Forwarded-For: 203.0.113.7\r\nContent-Length: 1000000"
    with sending(limited, head) as phone:  # the answer comes before the body
        assert phone.recv(4096).startswith(b"HTTP/1.1 429 ")


def test_the_time_that_a_callers_photos_take_has_a_limit(tmp_path: Path, running: Running) -> None:
    """38 bytes may hold 25 megapixels: who sends a few of them waits, and nobody else does."""
    limit = {"CPU_SECONDS_PER_CALLER_PER_MINUTE": "1"}
    with functions(tmp_path, **{**environment_of(running), **limit}) as url:
        ana, large = Phone(url.removesuffix(BASE), "ana"), hostile.large_webp()
        answers = [ana.ask("POST", "/classify", data=large + bytes([n])) for n in range(12)]
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert_problem(refused, 429, "too_many_requests")
        assert "1 cpu-seconds" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert Phone(ana.url, "ben").save(9)


def test_who_searches_or_lists_without_end_is_stopped(limited: str) -> None:
    """Each row costs a read, and a hundred vectors: a person's, or for reviewers everybody's."""
    zoe, (desk, other, _) = Phone(limited, "zoe"), (Phone(limited, name) for name in REVIEWERS)
    calls = [
        (zoe, f"/observations/{zoe.save(74)}/similar"),
        (desk, "/reviews?page_size=1"),
        (other, "/reviews/summary"),
        (Phone(limited, "yan"), "/observations"),
    ]
    for phone, path in calls:
        # Nine in a row reach the limit of four even where a minute begins among them.
        answers = [phone.get(path) for _ in range(9)]
        assert {answer.status_code for answer in answers} == {200, 429}, path
    assert_problem(desk.get("/reviews?page_size=100"), 429, "too_many_requests")
