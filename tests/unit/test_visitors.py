"""Which callers without a login count as one."""

from dataclasses import replace

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from parrot.config import Settings
from parrot.errors import TooManyRequests
from parrot.http.caller import network, visitor
from parrot.quota import ANONYMOUS_UID, User, Visitor, Visitors
from tests.support.settings import DEPLOYED

CLOUD_RUN = Settings.from_env(DEPLOYED)
DIRECT = replace(CLOUD_RUN, trusted_proxies=0)
BALANCED = replace(CLOUD_RUN, trusted_proxies=2)


def asked(
    config: Settings, remote: str = "169.254.1.1", user: User | None = None, **headers: str
) -> Visitor:
    names = [(name.replace("_", "-"), value) for name, value in headers.items()]
    environ = EnvironBuilder(headers=names).get_environ()
    return visitor(Request({**environ, "REMOTE_ADDR": remote}), config, user)


@pytest.mark.parametrize(
    ("config", "forwarded", "name"),
    [
        (CLOUD_RUN, "203.0.113.7", "203.0.113.7"),
        (CLOUD_RUN, "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (CLOUD_RUN, "1.1.1.1, nonsense", "unknown"),
        (CLOUD_RUN, "", "unknown"),
        (BALANCED, "1.1.1.1,203.0.113.7, 35.191.0.1", "203.0.113.7"),
        (BALANCED, "35.191.0.1", "169.254.1.1"),
        (DIRECT, "1.1.1.1", "169.254.1.1"),
    ],
)
def test_only_what_a_proxy_of_ours_appended_counts(
    config: Settings, forwarded: str, name: str
) -> None:
    """Everything before it was written by the client, who could be a new address each time."""
    assert asked(config, X_Forwarded_For=forwarded) == Visitor(name)


def test_who_is_signed_in_counts_by_name_and_who_only_has_the_shared_one_by_address() -> None:
    """Else the first version's phones, which save without a login, would share their CPU time."""
    nobody = User(ANONYMOUS_UID, anonymous=True)
    assert asked(CLOUD_RUN, user=nobody, X_Forwarded_For="203.0.113.7") == Visitor("203.0.113.7")
    ana = asked(CLOUD_RUN, user=User("ana"), X_Forwarded_For="203.0.113.7")
    assert ana == Visitor.signed_in("ana")


def test_one_customer_is_one_ipv6_network() -> None:
    """A phone may take any of its network's 2**64 addresses."""
    assert network("2001:db8:1:2::7") == network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:3::7") != network("2001:db8:1:2::7")
    assert network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("fe80::1%eth0") == "fe80::/64"


def test_a_checked_app_counts_by_its_token() -> None:
    """Many phones share an address; the token itself is kept nowhere."""
    config = replace(CLOUD_RUN, require_app_check=True)
    phones = [asked(config, X_Firebase_AppCheck=f"token-{number}").name for number in (1, 2, 1)]
    assert phones[0] == phones[2] != phones[1]
    assert "token" not in phones[0]
    unchecked = asked(CLOUD_RUN, X_Forwarded_For="203.0.113.7", X_Firebase_AppCheck="made up")
    assert unchecked == Visitor("203.0.113.7")


def test_hosting_names_the_phone_but_is_believed_only_so_far() -> None:
    """A caller of the function's own URL can send that header too, with any address."""
    visitors = Visitors(3, now=lambda: 60.0)
    callers = [
        asked(CLOUD_RUN, X_Forwarded_For="151.101.1.1", Fastly_Client_IP=f"10.0.{number}.1")
        for number in range(61)
    ]
    for each in callers[:57]:
        assert visitors.take(each)
    for _ in range(2):  # one phone's third is its last
        visitors.take(callers[0])
    with pytest.raises(TooManyRequests):
        visitors.take(callers[0])
    with pytest.raises(TooManyRequests):  # twenty times the limit through one address
        visitors.take(callers[60])
    assert visitors.take(Visitor("203.0.113.7"))


def test_the_limit_starts_again_a_minute_later() -> None:
    """The answer says what is left, as for a user's quota."""
    now = [90.0]
    visitors = Visitors(2, now=lambda: now[0])
    left = [visitors.take(Visitor("a")) for _ in range(2)]
    assert [allowance and (allowance.remaining, allowance.resets_in) for allowance in left] == [
        (1, 30),
        (0, 30),
    ]
    with pytest.raises(TooManyRequests) as caught:
        visitors.take(Visitor("a"))
    assert caught.value.retry_after == 30
    assert visitors.take(Visitor("b"))
    now[0] = 120.0
    assert visitors.take(Visitor("a"))
    assert Visitors(0).take(Visitor("a")) is None
