"""What needs no connection: addresses, backoff, quoting, host key pins, the way to the journal."""

import ipaddress
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import paramiko
import pytest

from ethpillar.errors import HostKeyChanged, SshTimeout
from ethpillar.ssh import access, hostkeys
from ethpillar.ssh.address import AddressPolicy
from ethpillar.ssh.command import Result
from ethpillar.timing import CAP, Backoff


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("192.0.2.7", True),
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("2001:db8::1", True),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::c000:201", True),
        ("2002:a9fe:a9fe::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("fd20:ce::254", False),
        ("64:ff9b:1::a9fe:a9fe", False),
        ("64:ff9b:1:a9fe:a9:fe00::", False),
        ("::169.254.169.254", False),
        ("::ffff:0:169.254.169.254", False),
        ("::ffff:0:192.0.2.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_addresses_by_default(address: str, permitted: bool) -> None:
    assert AddressPolicy().permits(address) is permitted


def test_allowed_and_denied_networks() -> None:
    private = [ipaddress.ip_network("10.0.0.0/8")]
    assert AddressPolicy(allowed=private).permits("10.0.0.1")
    assert not AddressPolicy(allowed=private).permits("192.0.2.1")
    assert not AddressPolicy(denied=private).permits("10.0.0.1")
    assert not AddressPolicy(denied=private).permits("::ffff:10.0.0.1")
    assert not AddressPolicy(allowed=[ipaddress.ip_network("0.0.0.0/0")]).permits("169.254.169.254")


def test_the_networks_that_a_public_server_should_deny() -> None:
    """deploy/README.md has the list."""
    text = (Path(__file__).parents[2] / "deploy" / "README.md").read_text()
    listed = re.search("SSH_DENIED_NETWORKS=([0-9a-f.:/,]+)", text)
    assert listed
    policy = AddressPolicy(denied=[ipaddress.ip_network(each) for each in listed[1].split(",")])
    for own in ("127.0.0.1", "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1"):
        number = int(ipaddress.IPv4Address(own))
        for form in ("{}", "::ffff:{}", "::{}", "::ffff:0:{}", "64:ff9b::{}", "64:ff9b:1::{}"):
            assert not policy.permits(form.format(own)), form.format(own)
        assert not policy.permits(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")
    for own in ("::1", "fc00::1", "fd12:3456::1"):
        assert not policy.permits(own)
    assert policy.permits("192.0.2.7")
    assert policy.permits("2001:db8::1")


def test_backoff_begins_within_a_second_and_is_capped() -> None:
    for _ in range(200):
        backoff = Backoff()
        waits = [backoff.next() for _ in range(20)]
        assert 0.2 < waits[0] < 1
        assert max(waits) <= CAP
        assert min(waits[-5:]) >= CAP / 2
        assert backoff.attempt == 20
        backoff.reset()
        assert backoff.next() < 1


def test_jitter_tells_nodes_apart() -> None:
    assert len({Backoff().next() for _ in range(20)}) > 10


class Pins:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], str] = {}

    def host_key(self, host: str, port: int) -> str | None:
        return self.kept.get((host, port))

    def pin_host_key(self, host: str, port: int, pin: str) -> str:
        return self.kept.setdefault((host, port), pin)


KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()


def test_a_key_is_checked_first_and_pinned_later() -> None:
    pins = Pins()
    assert hostkeys.verify(KEY, "h", 22, None, pins) is False
    assert not pins.kept
    hostkeys.keep(KEY, "h", 22, pins)
    assert pins.host_key("h", 22) == f"ecdsa-sha2-nistp256 {hostkeys.fingerprint(KEY)}"
    assert hostkeys.verify(KEY, "h", 22, None, pins) is True
    with pytest.raises(HostKeyChanged):
        hostkeys.verify(OTHER, "h", 22, None, pins)
    assert hostkeys.verify(OTHER, "h", 2222, None, pins) is False
    with pytest.raises(HostKeyChanged):  # another login was quicker
        hostkeys.keep(OTHER, "h", 22, pins)


def test_the_session_s_own_key_wins() -> None:
    pins = Pins()
    hostkeys.keep(KEY, "h", 22, pins)
    assert hostkeys.verify(OTHER, "h", 22, hostkeys.fingerprint(OTHER), pins) is True
    with pytest.raises(HostKeyChanged) as problem:
        hostkeys.verify(KEY, "h", 22, hostkeys.fingerprint(OTHER), pins)
    assert "forget-host" not in str(problem.value.hint)


def test_fingerprints_are_openssh_s() -> None:
    shown = hostkeys.fingerprint(KEY)
    assert shown.startswith("SHA256:")
    assert len(shown) == 50
    assert hostkeys.algorithms_for("ssh-rsa") == ("rsa-sha2-512", "rsa-sha2-256")


class Machine:
    """Answers the probe as a node does where only some ways work."""

    def __init__(self, *working: str) -> None:
        self.working = working
        self.asked: list[tuple[str, bytes]] = []

    def run(self, words: Sequence[str], stdin: bytes) -> Result:
        way = " ".join(words[:2]) if words[0] == "sudo" else "plain"
        self.asked.append((way, stdin))
        if way in self.working:
            return Result(0, b"Welcome!\n__CURSOR=s=1\n_PID=1\n\n", b"")
        return Result(0, b"Welcome!\n", b"") if way == "plain" else Result(1, b"", b"sudo: a password is required\n")


def test_ways_to_the_journal_are_tried_in_order() -> None:
    machine = Machine("plain", "sudo -n", "sudo -S")
    assert access.find(machine.run, "pw") == access.PLAIN
    assert len(machine.asked) == 1

    machine = Machine("sudo -n", "sudo -S")
    assert access.find(machine.run, "pw") == access.SUDO

    machine = Machine("sudo -S")
    way = access.find(machine.run, "pw")
    assert way is not None
    assert [asked for asked, _ in machine.asked] == ["plain", "sudo -n", "sudo -S"]
    assert machine.asked[-1][1] == b"pw\n"
    assert b"pw" not in b"".join(stdin for _, stdin in machine.asked[:-1])
    assert "pw" not in repr(way)
    assert way.wrap(["journalctl", "-f"]) == (("sudo", "-S", "-p", "", "--", "journalctl", "-f"), b"pw\n")


def test_no_way_and_no_password() -> None:
    machine = Machine()
    assert access.find(machine.run, "pw") is None
    assert len(machine.asked) == 4  # the last one asks why
    machine = Machine("sudo -S")
    assert access.find(machine.run, None) is None
    assert len(machine.asked) == 3


def test_a_sudo_that_hangs_is_no_way() -> None:
    machine = Machine("sudo -S")

    def run(words: Sequence[str], stdin: bytes) -> Result:
        if tuple(words[:2]) == hanging:
            raise SshTimeout
        return machine.run(words, stdin)

    hanging: tuple[str, ...] = ("sudo", "-n")
    way = access.find(run, "pw")
    assert way is not None
    assert way.stdin == b"pw\n"
    hanging = ("sudo", "-S")
    assert access.find(run, "pw") is None
    hanging = access.PROBE[:2]  # and a node that does not answer at all is not a node without rights
    with pytest.raises(SshTimeout):
        access.find(run, "pw")


def test_a_node_that_is_ill_is_not_asked_for_rights() -> None:
    asked = []

    def run(words: Sequence[str], stdin: bytes) -> Result:
        asked.append(words)
        return Result(1, b"", b"Failed to open journal: No space left on device\n")

    with pytest.raises(access.JournalBroken):
        access.find(run, "pw")
    assert len(asked) == 1


def test_a_journal_whose_newest_entry_is_damaged_can_be_read() -> None:
    def run(words: Sequence[str], stdin: bytes) -> Result:
        if tuple(words) == access.OLDEST:
            return Result(0, b"__CURSOR=s=1\n\n", b"")
        return Result(1, b"", b"Failed to get journal fields: Bad message\n")

    assert access.find(run, "pw") is access.PLAIN


@pytest.mark.parametrize(
    ("why", "problem"),
    [
        (Result(127, b"", b"sh: 1: journalctl: not found\n"), access.NoJournalctl),
        (Result(0, b"-- No entries --\n", b"No journal files were found.\n"), access.JournalOff),
        (Result(1, b"", b"No journal files were found.\n"), access.JournalOff),
    ],
)
def test_a_journal_that_no_right_would_show(why: Result, problem: type[Exception]) -> None:
    def run(words: Sequence[str], stdin: bytes) -> Result:
        return why if tuple(words) == access.WHY else Result(why.status, b"", b"")

    with pytest.raises(access.JournalBroken) as caught:
        access.find(run, "pw")
    assert type(caught.value) is problem


@pytest.mark.parametrize("oldest", [Result(1, b"__CURSOR=s=1\n\n", b""), Result(0, b"", b"")])
def test_a_journal_whose_oldest_entry_can_not_be_read_either_is_broken(oldest: Result) -> None:
    def run(words: Sequence[str], stdin: bytes) -> Result:
        return oldest if tuple(words) == access.OLDEST else Result(1, b"", b"Failed to get data: Bad message\n")

    with pytest.raises(access.JournalBroken):
        access.find(run, "pw")


def test_a_password_of_two_lines_is_not_given_to_sudo() -> None:
    machine = Machine("sudo -S")
    assert access.find(machine.run, "pw\nrm -rf /") is None
    assert all(stdin == b"" for _, stdin in machine.asked)


def test_words_reach_a_shell_quoted() -> None:
    assert shlex.split(shlex.join(["sudo", "-p", "", "a b", "$(id)"])) == ["sudo", "-p", "", "a b", "$(id)"]
