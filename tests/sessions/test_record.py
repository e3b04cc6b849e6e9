"""Session records, from a writer that is not trusted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.sessions import parse_record, token_hash, valid_token
from ethpillar.sessions.record import MAX_RECORD_BYTES, InvalidRecord, document_text, parse_document, read_record

TOKEN = "3f0c6f0e-8f57-4b0c-9a53-0d6f1c1f0f11"
GOOD: dict[str, Any] = {"host": "node.example", "username": "staker", "password": "pw", "port": 22}


def parse(**changes: Any) -> Any:
    document = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return parse_record(TOKEN, json.dumps(document))


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (22, 22),
        ("2222", 2222),
        (" 22 ", 22),
        (22.0, 22),
        (..., 22),
        (None, 22),
        ("", 22),
        (1, 1),
        (65535, 65535),
        ("00000000022", 22),
    ],
)
def test_ports(port: Any, expected: int) -> None:
    assert parse(port=port).target.port == expected


@pytest.mark.parametrize(
    "port", [0, 65536, -1, True, "ssh", "22; ls", 22.5, [], {}, "9" * 30, "000000000022", "２２", 2**53]
)
def test_bad_ports(port: Any) -> None:
    assert parse(port=port) is None


@pytest.mark.parametrize("host", ["192.0.2.1", "node-1.example.", "2001:db8::1", "[2001:db8::1]", "fe80::1%eth0", "n"])
def test_hosts(host: str) -> None:
    assert parse(host=host).target.host == host.strip("[]")


@pytest.mark.parametrize(
    "host", ["", "-oProxyCommand=x", "a b", "a/b", "a\n", "a;b", "x" * 300, 5, None, [], {"a": 1}, "$(id)", "@h", "ｈ"]
)
def test_bad_hosts(host: Any) -> None:
    assert parse(host=host) is None


@pytest.mark.parametrize("username", ["", "-l", "a b", "a\x00", "x" * 65, 5, None, "a'b", "root;id"])
def test_bad_users(username: Any) -> None:
    assert parse(username=username) is None


def test_secrets() -> None:
    assert parse(password=...) is None
    assert parse(password="") is None
    assert parse(password=..., privateKey="KEY").target.private_key == "KEY"
    both = parse(privateKey="KEY", passphrase="p")
    assert (both.target.password, both.target.passphrase) == ("pw", "p")
    assert parse(password=5) is None
    assert parse(privateKey=["x"]) is None


def test_a_host_key_that_cannot_be_read_is_not_no_host_key() -> None:
    good = "SHA256:" + "A" * 43
    assert parse(hostKey=good).target.host_key == good
    assert parse(hostKey=good + "=").target.host_key == good
    assert parse(hostKey="MD5:aa:bb") is None
    assert parse(hostKey=7) is None
    assert parse(hostKey="ssh-rsa " + "A" * 372) is None
    assert parse(hostKey=good + "\x00") is None
    assert parse(privateKey="KEY", passphrase="p" * 5000) is None
    assert parse(hostKey="", passphrase=None).target.host_key is None


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_what_the_dashboard_could_not_read_again_is_no_number(number: str) -> None:
    assert parse_record(TOKEN, json.dumps(GOOD)[:-1] + f', "extra": {number}}}') is None


def test_a_record_is_written_again_as_it_was() -> None:
    document = {**GOOD, "name": "节点 ⛏", "half": "\ud800", "number": 2.5, "none": None}
    assert parse_document(document_text(document)) == document
    del document["half"]
    assert document_text(document) == json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("text", ["", "null", "[]", "5", '"x"', "{", "\x00", "[" * 100_000, '{"host":' + '"x"' * 9])
def test_what_is_no_record(text: str) -> None:
    assert parse_record(TOKEN, text) is None


def test_a_record_too_large_is_none() -> None:
    assert parse(password="x" * 5000) is None
    assert parse(extra="x" * 10_000_000) is None


def test_a_record_as_large_as_one_may_be_is_read() -> None:
    text = json.dumps(GOOD)
    assert parse_document(text.ljust(MAX_RECORD_BYTES)) == GOOD
    assert parse_document(text.ljust(MAX_RECORD_BYTES + 1)) is None


def test_nothing_secret_is_printable() -> None:
    record = parse(password="hunter2", privateKey="PEM")
    for text in (repr(record), str(record), f"{record.target}"):
        assert "hunter2" not in text
        assert "PEM" not in text
        assert TOKEN not in text
        assert "node.example" not in text


def test_the_digest_tells_credentials_apart() -> None:
    assert parse().digest == parse(lastAccessed=5, other=1).digest
    assert len({parse().digest, parse(password="other").digest, parse(port=23).digest, parse(username="x").digest}) == 4


@pytest.mark.parametrize(
    "token", ["*", "ssh_session:*", "a*b-cdefgh", "", "x" * 200, None, 5, [], "a\nbcdefghij", "?" * 36]
)
def test_what_is_no_token(token: Any) -> None:
    assert not valid_token(token)


def test_tokens() -> None:
    assert valid_token(TOKEN)
    assert TOKEN[:8] not in token_hash(TOKEN)
    assert len(token_hash(TOKEN)) == 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "privateKey", "passphrase", "hostKey", "lastAccessed"]), JSON))
def test_any_json_is_a_record_or_none(document: dict[str, Any]) -> None:
    record = parse_record(TOKEN, json.dumps(document))
    if record is not None:
        assert isinstance(record.target.host, str)
        assert not record.target.host.startswith("-")
        assert 1 <= record.target.port <= 65535


@given(st.binary())
def test_any_bytes_are_a_record_or_none(text: bytes) -> None:
    parse_record(TOKEN, text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("host", "-oProxyCommand=s3cret"), ("username", "s3 cret"), ("port", "s3cret"), ("password", ["s3cret"])),
        *(("privateKey", 3), ("passphrase", "s3cret" * 1000), ("hostKey", "s3cret"), ("sealed", "s3cret")),
    ],
)
def test_the_part_that_is_not_valid_is_named_and_not_shown(key: str, value: object) -> None:
    document = {"host": "h", "username": "u", "password": "s3cret", key: value}
    with pytest.raises(InvalidRecord, match=f"`{key}`") as problem:
        read_record("t" * 8, json.dumps(document))
    assert "s3cret" not in str(problem.value)
    with pytest.raises(InvalidRecord, match="JSON"):
        read_record("t" * 8, "s3cret")


@pytest.mark.parametrize(
    ("key", "longest"),
    [("host", 254), ("username", 64), ("password", 4096), ("privateKey", 32 * 1024), ("passphrase", 4096)],
)
def test_how_long_a_part_may_be(key: str, longest: int) -> None:
    secret = {} if key in ("password", "privateKey") else {"password": "pw"}
    document = {**GOOD, "password": ..., **secret}
    assert parse(**{**document, key: "x" * longest}) is not None
    assert parse(**{**document, key: "x" * (longest + 1)}) is None


@pytest.mark.parametrize(
    ("accessed", "read"),
    [(5, 5), (-5, -5), (2**53 - 1, 2**53 - 1), (2**53, None), (True, None), (5.0, None), ("5", None)],
)
def test_a_time_is_a_whole_number_that_javascript_can_read(accessed: object, read: int | None) -> None:
    assert parse(lastAccessed=accessed).last_accessed == read


def test_a_token_as_long_as_one_may_be_has_a_digest_too() -> None:
    token = "t" * 128
    record = parse_record(token, json.dumps(GOOD))
    assert record is not None
    assert len(record.digest) == 32
    assert record.digest != parse().digest
