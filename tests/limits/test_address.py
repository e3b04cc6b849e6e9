"""Who a request is from."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.address import client_key

TRUSTED = [ipaddress.ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "key"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # not trusted: not believed
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the left one is the client's own invention
        ("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("127.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "unknown", None),
        ("127.0.0.1", "203.0.113.9, unknown", None),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8:1:2::5]:4711", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", None, "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", None, "198.51.100.7"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "2001:db8::1", "2001:db8::/64"),
        (None, "203.0.113.9", "203.0.113.9"),
        (None, None, None),
    ],
)
def test_the_right_most_address_that_is_no_trusted_proxy(peer: str | None, forwarded: str | None, key: str) -> None:
    assert client_key(peer, forwarded, TRUSTED) == key


@given(st.text(max_size=200))
def test_whatever_a_client_writes_it_cannot_hide_behind_a_proxy_that_appends_the_truth(text: str) -> None:
    assert client_key("127.0.0.1", f"{text}, 203.0.113.9", TRUSTED) == "203.0.113.9"
    assert client_key("203.0.113.9", text, TRUSTED) == "203.0.113.9"
