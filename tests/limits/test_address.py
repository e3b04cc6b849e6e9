"""The address that a request is from."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.limits.address import Proxies, client_key

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


@pytest.mark.parametrize(
    ("hops", "forwarded", "key"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what is left of it is the client's own invention
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "192.0.2.1, 198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (1, "2001:db8:1:2::5", "2001:db8:1:2::/64"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (2, "203.0.113.9", "100.64.0.7"),  # fewer proxies than there should be: the peer is the client
        (1, None, "100.64.0.7"),
        (1, "unknown", "100.64.0.7"),
        (2, "unknown, 203.0.113.9", "100.64.0.7"),
    ],
)
def test_hops_are_counted_from_the_right(hops: int, forwarded: str | None, key: str) -> None:
    proxies = Proxies(hops=hops)
    assert proxies.are_at("100.64.0.7")
    assert proxies.client("100.64.0.7", forwarded) == key


@given(st.text(max_size=100), st.integers(1, 3))
def test_whatever_a_client_writes_the_hops_are_the_proxies_own(text: str, hops: int) -> None:
    truth = ", ".join(["203.0.113.9", *["10.0.0.1"] * (hops - 1)])
    assert Proxies(hops=hops).client("100.64.0.7", f"{text}, {truth}") == "203.0.113.9"


@pytest.mark.parametrize(
    ("proxies", "peer", "named", "key"),
    [
        (Proxies(TRUSTED, header="Fly-Client-IP"), "10.0.0.1", "198.51.100.4", "198.51.100.4"),
        (Proxies(hops=1, header="Fly-Client-IP"), "100.64.0.7", "198.51.100.4", "198.51.100.4"),
        (Proxies(TRUSTED, header="Fly-Client-IP"), "192.0.2.1", "198.51.100.4", "192.0.2.1"),  # not a proxy
        (Proxies(TRUSTED, header="Fly-Client-IP"), "10.0.0.1", "nobody", "203.0.113.9"),
        (Proxies(TRUSTED, header="Fly-Client-IP"), "10.0.0.1", None, "203.0.113.9"),
        (Proxies(TRUSTED), "10.0.0.1", "198.51.100.4", "203.0.113.9"),
    ],
)
def test_a_platforms_own_header(proxies: Proxies, peer: str, named: str | None, key: str) -> None:
    assert proxies.client(peer, "203.0.113.9", named) == key


def test_a_header_is_looked_up_as_wsgi_has_it() -> None:
    assert Proxies(header="DO-Connecting-IP").header_key == "HTTP_DO_CONNECTING_IP"


@pytest.mark.parametrize(
    ("proxies", "names"),
    [
        (Proxies(), "their own addresses"),
        (Proxies(TRUSTED[:2]), "X-Forwarded-For from 127.0.0.0/8, 10.0.0.0/8"),
        (Proxies(hops=1), "X-Forwarded-For with 1 proxy in front"),
        (Proxies(hops=2, header="Fly-Client-IP"), "Fly-Client-IP with 2 proxies in front"),
    ],
)
def test_an_operator_is_told_how_clients_are_told_apart(proxies: Proxies, names: str) -> None:
    assert proxies.names == names


def test_a_peer_whose_address_cannot_be_read_is_counted_by_a_bounded_key() -> None:
    assert client_key("x" * 1000, "198.51.100.4", TRUSTED) == "x" * 64
