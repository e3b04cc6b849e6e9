"""What leaves in an extract, and what does not."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.masking import Masker
from ethpillar.journal.masking.words import WORDS

PUBKEY = "86d7bea53b98fe9b2c7738d3a70cdf473d86a3df9821dcc6c75592712dd56c07d1d4dc29648dc1a2b3c4d5e6f7a8b9c0"
PEER = "16Uiu2HAmGcpJ2VDAaGTmpFrhhH6rAwMHphWdx7vwqP5DGhDo66Bt"
ROOT = "0x" + "ab12" * 16
BARE = "7f" * 32
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDB9.c2lnbmF0dXJlLXZlcnktc2VjcmV0"
UUID = "00c853bf-0faa-4091-b909-becd6155c34d"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"

HIDDEN = [
    # what stands there, what of it must be gone, what it becomes
    ("dial tcp 203.0.113.7:30303: connection refused", "203.0.113.7", "dial tcp ip-1:30303: connection refused"),
    ("Listening on /ip4/10.0.0.5/tcp/9000/p2p/" + PEER, PEER, "Listening on /ip4/ip-1/tcp/9000/p2p/peer-1"),
    ("peer=[2001:db8::17]:30303 up", "2001:db8::17", "peer=[ip-1]:30303 up"),
    ("from ::ffff:198.51.100.2 port 22", "198.51.100.2", "from ip-1 port 22"),
    ("url=https://staker:hunter22@node.example.org:5052/x", "hunter22", "url=https://credentials-1@host-1:5052/x"),
    (
        "POST https://mainnet.infura.io/v3/9aa3d95b3bc440fa88ea12eaa4456161",
        "9aa3d95b",
        "POST https://host-1/v3/token-1",
    ),
    ("hook https://discord.com/api/webhooks/1183/aXbYcZ-long_Secret", "long_Secret", None),
    ("https://hooks.slack.com/services/T0/B0/XXXX9999", "XXXX9999", None),
    ("https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage", "AAHdqTcv", None),
    ("GET /eth/v1/x?apikey=s3cr3tvalue&slot=5", "s3cr3tvalue", "GET /eth/v1/x?apikey=token-1&slot=5"),
    ("Authorization: Bearer abcDEF123456", "abcDEF123456", None),
    ("Loaded JWT secret " + BARE, BARE, "Loaded JWT secret secret-1"),
    ("jwt-secret=0x" + BARE, BARE, None),
    (BARE, BARE, "token-1"),
    ("password: hunter22", "hunter22", "password: secret-1"),
    ("--graffiti='Alice at home'", "Alice", "--graffiti='graffiti-1'"),
    ("graffiti=alice-node", "alice", "graffiti=graffiti-1"),
    ("enr:-KG4QA_UjoHmq1UW7nwvu7y0jVSds4NX8DJ enr", "KG4QA", "enr-1 enr"),
    ("enode://" + "ab" * 64 + "@203.0.113.9:30303", "203.0.113.9", "enode-1"),
    ("Validator exited pubkey=0x" + PUBKEY, PUBKEY[:12], "Validator exited pubkey=validator-1"),
    ("validator=0xb0d2…31f7 message", "b0d2", "validator=validator-1 message"),
    ("validator=c23d3f3e slot=5", "c23d3f3e", "validator=validator-1 slot=5"),
    ("Validator 831204 missed", "831204", "Validator validator-1 missed"),
    ('"validator_index":"263991"', "263991", '"validator_index":"validator-1"'),
    ('"validator_indices":[911818, 13]', "911818", '"validator_indices":[validator-1, validator-2]'),
    ("pubKeys=[0xa82c701d7358 0xb1d5f6a0c1e2]", "b1d5f6", "pubKeys=[validator-1 validator-2]"),
    ("proposer 983269 arrival 1379ms", "983269", "proposer validator-1 arrival 1379ms"),
    ("fee_recipient=0x147a584fc5a2474a124397b46c095d76dfe42514", "147a584f", "fee_recipient=address-1"),
    ("datadir /home/alice/.lighthouse", "alice", "datadir /home/user-1/.lighthouse"),
    ("sudo: alice : TTY=pts/0", "alice", None),
    ("Accepted publickey for alice from 203.0.113.7 port 5", "alice", "Accepted publickey for user-1 from ip-1 port 5"),
    ("session opened for user alice(uid=1000)", "alice", "session opened for user user-1(uid=1000)"),
    ("write to alice@example.org", "alice@example.org", "write to email-1"),
    ("req_id=" + UUID, UUID, "req_id=token-1"),
    ("token " + JWT, JWT.split(".")[1], None),
    ("phrase " + PHRASE + " end", "sausage", None),
    (PHRASE.upper(), "SAUSAGE", "mnemonic-1"),
    (", ".join(PHRASE.split()), "sausage", "mnemonic-1"),
    (" ".join(f"{number}. {word}" for number, word in enumerate(PHRASE.split(), 1)), "sausage", None),
    (" ".join(word[:4] for word in PHRASE.split()), "saus", "mnemonic-1"),
    ("key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx me", "AAAAC3", "key ssh-ed25519 key-1 me"),
    ("host key SHA256:uNiVztksCsDhcc0u9e8BrrHXVUXDBmVKKTBLpMZvJ1k", "uNiVztks", "host key fingerprint-1"),
    ("eth0 3c:7c:3f:aa:bb:cc up", "3c:7c:3f", "eth0 mac-1 up"),
    ("node ip-203-0-113-7.ec2 up", "203-0-113-7", None),
]
KEPT = [
    "Imported new potential chain segment number=19,123,456 hash=8f3ac2..d41e7f blocks=1",
    f"block root: {ROOT}, slot: 5",
    f"Late Block Import *** Block: {ROOT[2:]} (5850136)",
    "connect to 127.0.0.1:8551 and [::1]:5052 on 0.0.0.0",
    "http://localhost:5052/eth/v1/node/version",
    "Geth/v1.12.0-stable-b499c7e8/linux-amd64/go1.20.4",
    "version 1.2.3.4.5 at 12:34:56.789",
    "tech.pegasys.teku.networking.p2p.PeerManager",
    "\tgithub.com/ethereum/go-ethereum/core.(*BlockChain).insertChain(0xc000123456)",
    "64 validators active, validators=64",
    "jsonrpsee-server: Accepting new connection 1/614487",
    "Jul 14 03:07:42 Started execution.service for root",
    "loaded most recent local full block while chain head state available from disk store",
    "user agent is curl, no password given, token missing",
]


@pytest.mark.parametrize(("line", "gone", "masked"), HIDDEN, ids=range(len(HIDDEN)))
def test_what_is_private_is_replaced(line: str, gone: str, masked: str | None) -> None:
    masker = Masker()
    found = masker.text(line)
    assert gone.lower() not in found.lower()
    assert sum(masker.counts.values()) >= 1
    if masked is not None:
        assert found == masked


@pytest.mark.parametrize("line", KEPT)
def test_what_everybody_may_see_stays(line: str) -> None:
    assert Masker().text(line) == line


def test_the_same_thing_has_the_same_name() -> None:
    masker = Masker()
    assert masker.text("from 203.0.113.7 to 203.0.113.8") == "from ip-1 to ip-2"
    assert masker.text("again 203.0.113.7") == "again ip-1"
    assert masker.counts == {"ip": 3}


@pytest.mark.parametrize("short", [PUBKEY[:8], "0x" + PUBKEY[:12], f"0x{PUBKEY[:4]}…{PUBKEY[-4:]}", PUBKEY[:7]])
def test_an_abbreviated_key_has_the_name_of_the_whole_one(short: str) -> None:
    masker = Masker()
    assert masker.text(f"pubkey={PUBKEY} validator={short}") == "pubkey=validator-1 validator=validator-1"


def test_a_private_key_of_many_lines_never_comes_out() -> None:
    masker = Masker()
    body = ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW", "QyNTUxOQAAACAabcdef=="]
    lines = [
        "before -----BEGIN OPENSSH PRIVATE KEY-----",
        *body,
        "-----END OPENSSH PRIVATE KEY----- after",
        "next line",
    ]
    found = [masker.text(line) for line in lines]
    assert not any(part in "\n".join(found) for part in body)
    assert found[0].startswith("before ")
    assert found[-2:] == [" after", "next line"]
    inline = "key=-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG\\n-----END PRIVATE KEY----- done"
    assert "MIIEvQ" not in Masker().text(inline)


def test_what_is_known_of_a_node_is_hidden_wherever_it_stands() -> None:
    masker = Masker(hosts=["validator7"], users=["alice"])
    assert masker.text("Jul 14 validator7 sshd: (alice) cmd") == "Jul 14 host-1 sshd: (user-1) cmd"


def test_fields_are_masked_by_their_keys() -> None:
    masked = Masker().fields(
        {"validator": "c23d3f3e", "slot": "831204", "graffiti": "alice", "peer": "39b6f150a3fe2e97"}
    )
    assert masked == {"validator": "validator-1", "slot": "831204", "graffiti": "graffiti-1", "peer": "peer-1"}


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=12, max_size=24), st.sampled_from([" ", ", ", "  ", " | "]))
def test_no_phrase_comes_out(words: list[str], between: str) -> None:
    found = Masker().text(f"phrase: {between.join(words)}.")
    assert sum(word in found.split() for word in words) <= 1


@given(st.text(max_size=300))
def test_any_text_is_masked_and_masking_again_changes_nothing(text: str) -> None:
    once = Masker().text(text)
    assert Masker().text(once) == once or "-----BEGIN" in text


HOSTILE = [
    "a." * 20_000,
    "0x" + "a" * 40_000,
    "a:" * 20_000,
    "1." * 20_000,
    "word " * 9_000,
    "://" * 15_000,
    "/a" * 20_000,
    "validator=" * 4_000,
    "key=" * 10_000,
    "password" * 5_000,
    "enr:-" * 8_000,
    "a@" * 20_000,
    "[" * 40_000,
    "https://" + "a" * 40_000,
    "https://x/" + "a/" * 20_000,
    "https://x/" + "a-" * 20_000,
    "secret " + "a " * 20_000,
    "user " * 8_000,
    "pubkeys=[" + "ab " * 15_000,
    "eyJ" * 15_000,
    "eyJaaaaa" + ".a" * 20_000,
    "-----BEGIN " * 4_000,
    "1: " * 15_000,
    "a-b" * 15_000,
]


@pytest.mark.parametrize("line", HOSTILE, ids=[line[:12] for line in HOSTILE])
def test_hostile_lines_are_masked_like_any_other(line: str) -> None:
    assert isinstance(Masker().text(line), str)  # in time that grows with their length: `make bench-formats` prints it


LINES = sorted(Path(__file__).parent.parent.joinpath("lines").glob("*.jsonl"))


def test_no_address_or_key_of_the_collected_lines_comes_out() -> None:
    masker = Masker()
    for path in LINES:
        for row in path.read_text("utf-8").splitlines():
            found = masker.text(str(json.loads(row)["raw"]))
            for address in re.findall(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])", found):
                assert address.startswith(("127.", "0.")) or any(int(part) > 255 for part in address.split(".")), found
            assert not re.search(
                r"(?<![0-9a-f])[0-9a-f]{96}(?![0-9a-f])|16Uiu2HA\w{20}|enr:-\w{10}|/home/(?!user-)", found
            ), found
    assert len(masker.counts) > 8


def test_lines_of_random_letters_are_left_alone_mostly() -> None:
    rng = random.Random(1)
    lines = [" ".join("".join(rng.choices("ghijklmnop", k=rng.randint(2, 9))) for _ in range(20)) for _ in range(200)]
    assert sum(Masker().text(line) == line for line in lines) > 190


def test_an_abbreviation_has_the_name_of_the_key_that_ends_as_it_does() -> None:
    masker = Masker()
    other = PUBKEY[:10] + PUBKEY[10:][::-1]
    text = masker.text(f"pubkey={other} pubkey={PUBKEY} validator=0x{PUBKEY[:6]}…{PUBKEY[-4:]}")
    assert text == "pubkey=validator-1 pubkey=validator-2 validator=validator-2"


@pytest.mark.parametrize("line", [line for line, _, _ in HIDDEN])
def test_what_is_masked_already_stays(line: str) -> None:
    masked = Masker().text(line)
    assert Masker().text(masked) == masked


def test_each_kind_is_counted_from_one_and_the_same_thing_once() -> None:
    masker = Masker()
    text = masker.text(f"peer={PEER} from 203.0.113.7 to 203.0.113.8, and {PEER} from 203.0.113.8")
    assert text == "peer=peer-1 from ip-1 to ip-2, and peer-1 from ip-2"
    assert masker.counts == {"peer": 2, "ip": 3}


@pytest.mark.parametrize(
    ("hosts", "users", "line", "masked"),
    [
        (
            ["validator7"],
            [],
            "VALIDATOR7 and validator70 and my-validator7",
            "host-1 and validator70 and my-validator7",
        ),
        (["x"], ["y"], "x and y", "x and y"),  # a single letter would be everywhere
        (["xy"], ["zw"], "xy and zw", "host-1 and user-1"),
        (["localhost"], ["root", "Ethereum"], "root at localhost, ethereum", "root at localhost, ethereum"),
        (["a.b"], [], "a.b and a-b and axb", "host-1 and a-b and axb"),
        (["one", "two"], ["one"], "two one", "host-2 host-1"),
    ],
)
def test_what_is_known_of_a_node_is_hidden_as_a_whole_word(
    hosts: list[str], users: list[str], line: str, masked: str
) -> None:
    masker = Masker(hosts, users)
    masker.text("one")
    assert masker.text(line) == masked


@pytest.mark.parametrize(
    ("short", "same"),
    [
        (PUBKEY[:6], True),
        (PUBKEY[:4] + "…", True),
        (PUBKEY[:4] + "…" + PUBKEY[-2:], True),
        (PUBKEY[:4] + "…ffff", False),
        (PUBKEY[:6] + "ffff", False),
        (PUBKEY[:5], False),  # too few to tell, and nothing that says that more follows
    ],
)
def test_what_is_taken_for_an_abbreviation(short: str, same: bool) -> None:
    masker = Masker()
    masker.text(f"pubkey={PUBKEY}")
    assert masker.text(f"pubkey={short}") == ("pubkey=validator-1" if same else "pubkey=validator-2")


def test_the_whole_key_after_its_abbreviation_has_the_same_name() -> None:
    masker = Masker()
    assert masker.text(f"pubkey={PUBKEY[:8]}") == "pubkey=validator-1"
    assert masker.text(f"pubkey={PUBKEY}") == "pubkey=validator-1"


def test_numbers_of_validators_are_no_abbreviations_of_others() -> None:
    masker = Masker()
    assert masker.text("Validator 831204 missed") == "Validator validator-1 missed"
    assert masker.text("Validator 8312041 missed") == "Validator validator-2 missed"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (f"0x{'a1' * 20} balance", "address-1 balance"),
        (f"{ROOT} alone", f"{ROOT} alone"),  # a hash, which everybody may see
        (f"0x{'a1' * 25} alone", "token-1 alone"),
        (f"{'a1' * 16} alone", "token-1 alone"),
        (f"{'a1' * 15} alone", f"{'a1' * 15} alone"),
        (f"hash: {'a1' * 25}", f"hash: {'a1' * 25}"),
        (f"hash {' ' * 40} {'a1' * 25}", f"hash {' ' * 40} token-1"),  # too far from the word
    ],
)
def test_long_hexadecimal(line: str, masked: str) -> None:
    assert Masker().text(line) == masked


def test_a_phrase_is_hidden_if_nearly_all_of_its_words_are_in_the_list() -> None:
    known = PHRASE.split()[:10]
    assert Masker().text(" ".join([*known[:9], "qqqq", "rrrr", "ssss"])) == "mnemonic-1"  # 9 of 12
    others = " ".join([*known[:8], "qqqq", "rrrr", "ssss", "tttt"])
    assert Masker().text(others) == others  # 8 of 12


def test_a_key_within_a_line_leaves_what_is_around_it() -> None:
    line = "a -----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY----- b -----BEGIN PRIVATE KEY-----y-----END PRIVATE KEY----- c"
    masker = Masker()
    assert masker.text(line) == "a key-1 b key-2 c"
    assert masker.text("d") == "d"
    assert masker.text("-----BEGIN CERTIFICATE-----") == "-----BEGIN CERTIFICATE-----"
    assert masker.text("e -----BEGIN RSA PRIVATE KEY-----") == "e key-3"
    assert masker.text("body") == "key-hidden"
    assert masker.text("-----END RSA PRIVATE KEY-----f") == "f"


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("slot", "5", "5"),
        ("graffiti", "alice", "graffiti-1"),
        ("password", "hunter22", "secret-1"),
        ("url", "https://alice:hunter22@node.example.org/", "https://credentials-1@host-1/"),
        ("203.0.113.7", "from 203.0.113.8", "from ip-2"),  # a key that is itself replaced
    ],
)
def test_a_field_without_its_key(key: str, value: str, masked: str) -> None:
    assert Masker().field(key, value) == masked


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("to fe80::1 and ::1 and ::", "to ip-1 and ::1 and ::"),
        ("at 300.1.1.1 and 1.2.3", "at 300.1.1.1 and 1.2.3"),
        ("http://203.0.113.7/ and http://203.0.113.7:80/x", "http://ip-1/ and http://ip-1:80/x"),
        ("http://github.com/x", "http://github.com/x"),
        ("http://Node.Example.ORG./x", "http://host-1/x"),
        ("http://node.example.org/ again node.example.org", "http://host-1/ again host-1"),
        ("C:\\Users\\alice\\x and /home/root/x", "C:\\Users\\user-1\\x and /home/root/x"),
        ("user alice, user is, user root", "user user-1, user is, user root"),
    ],
)
def test_addresses_hosts_and_users(line: str, masked: str) -> None:
    assert Masker().text(line) == masked
