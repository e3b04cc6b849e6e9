"""Private keys: the good ones are read, and no other costs anything."""

from __future__ import annotations

import base64
import contextlib
import struct
import subprocess
import time
from math import gcd
from pathlib import Path

import gevent
import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from gevent import monkey
from hypothesis import example, given
from hypothesis import strategies as st

from ethpillar.errors import BadKey, SshTimeout
from ethpillar.ssh import keys
from ethpillar.ssh.keys import FEW_ROUNDS, MAX_BITS, MAX_PKCS8_ROUNDS, MAX_ROUNDS, KeyReader

from ..programs import need
from ..waiting import until

KEYS = KeyReader()

KINDS = [
    ("ed25519", "256", "RFC4716"),
    ("ecdsa", "521", "RFC4716"),
    *((kind, bits, form) for kind, bits in (("rsa", "2048"), ("ecdsa", "256")) for form in ("RFC4716", "PEM", "PKCS8")),
]


def keygen(folder: Path, kind: str, bits: str, form: str, passphrase: str = "") -> str:
    """A key as ssh-keygen writes it."""
    path = folder / "key"
    words = [need("ssh-keygen"), "-q", "-t", kind, "-b", bits, "-m", form, "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return path.read_text()


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
@pytest.mark.parametrize(("kind", "bits", "form"), KINDS)
def test_keys_are_read_and_sign(tmp_path: Path, kind: str, bits: str, form: str, passphrase: str | None) -> None:
    text = keygen(tmp_path, kind, bits, form, passphrase or "")
    key = KEYS.read(text, passphrase)
    algorithm = "rsa-sha2-512" if kind == "rsa" else None
    public = key.from_type_string(key.get_name(), key.asbytes())
    assert public.verify_ssh_sig(b"data", paramiko.Message(key.sign_ssh_data(b"data", algorithm).asbytes()))
    assert KEYS.read("\r\n" + text.replace("\n", "\r\n") + "\n\n", passphrase).asbytes() == key.asbytes()
    if passphrase is not None:
        for wrong in (None, "", "no", "\ud800"):
            with pytest.raises(BadKey):
                KEYS.read(text, wrong)


def pkcs8(key: PrivateKeyTypes, *options: str) -> str:
    """A key as `openssl pkcs8` writes it; encrypted when there are options."""
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    words = ["openssl", "pkcs8", "-topk8", *(options or ["-nocrypt"]), "-passout", "pass:passphrase"]
    return subprocess.run(words, input=plain, capture_output=True, check=True).stdout.decode()


def test_pkcs8() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for text, passphrase in (
        (pkcs8(key), None),
        (pkcs8(key), "passphrase"),  # more than is needed, as with ssh itself
        (pkcs8(key, "-iter", str(MAX_PKCS8_ROUNDS)), "passphrase"),
        (pkcs8(key, "-v2prf", "hmacWithSHA1"), "passphrase"),
    ):
        assert KEYS.read(text, passphrase).asbytes().endswith(public)
    for text in (
        pkcs8(key, "-iter", str(MAX_PKCS8_ROUNDS + 1)),
        pkcs8(key, "-scrypt"),  # its cost is in three numbers, and in memory
        pkcs8(x25519.X25519PrivateKey.generate()),
        pkcs8(ec.generate_private_key(ec.SECP256K1())),
    ):
        with pytest.raises(BadKey):
            KEYS.read(text, "passphrase")


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def number(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def openssh(name: bytes, private: bytes, cipher: bytes = b"none", kdf: bytes = b"none", options: bytes = b"") -> str:
    """OpenSSH's format, PROTOCOL.key."""
    public = string(string(name) + string(b""))
    inner = struct.pack(">II", 7, 7) + string(name) + private + string(b"comment")
    inner += bytes(range(1, 1 + -len(inner) % 8))
    body = b"openssh-key-v1\0" + string(cipher) + string(kdf) + string(options) + struct.pack(">I", 1)
    text = base64.encodebytes(body + public + string(inner)).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n"


def derivation(rounds: int) -> str:
    """An encrypted key that wants this many rounds."""
    return openssh(b"ssh-rsa", b"", b"aes256-ctr", b"bcrypt", string(b"s" * 16) + struct.pack(">I", rounds))


def rsa(p: int, q: int, n: int | None = None, d: int | None = None) -> str:
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1)) if d is None else d
    inverse = pow(q, -1, p) if p > 1 else 0
    return openssh(b"ssh-rsa", b"".join(map(number, (p * q if n is None else n, e, d, inverse, p, q))))


P, Q, R = 2**1279 - 1, 2**2203 - 1, 2**9689 - 1


def test_what_is_no_proof_of_primes_is_still_a_key() -> None:
    assert KEYS.read(rsa(P, Q), None).get_bits() == 1279 + 2203


@pytest.mark.parametrize(
    "text",
    [
        derivation(MAX_ROUNDS + 1),
        derivation(2**32 - 1),  # would be read for years
        rsa(R, 2**9941 - 1),  # would be proved for hours
        rsa(P, R, P * Q),
        rsa(2**4423 - 1, 2**4253 - 1),
        rsa(P, Q, P * Q + 2),
        rsa(P, Q, d=3),
        rsa(1, P * Q, d=5),
        rsa(P, Q).replace("-----END OPENSSH", "-----BEGIN RSA"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\n" + derivation(2**32 - 1),
        "Proc-Type: 4,ENCRYPTED\n" + derivation(2**32 - 1),
        openssh(b"ssh-ed25519", string(b"a" * 32) + string(b"b" * 64)),
        openssh(b"ssh-dss", b""),
        openssh(b"ssh-rsa\xff", b""),
        "",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nA\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_what_costs_too_much_or_is_none(text: str) -> None:
    assert MAX_BITS == 8192
    with pytest.raises(BadKey):
        KEYS.read(text, "passphrase")


def test_keys_with_many_rounds_hold_up_their_like_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by threads that do nothing until they are told to."""
    begun: list[str] = []
    held = monkey.get_original("_thread", "allocate_lock")()  # of threads, not of greenlets
    held.acquire()

    def read(text: str, passphrase: str | None) -> paramiko.PKey | None:
        begun.append(text)
        if text.strip() != quick.strip():
            with held:
                pass
        return KEY

    slow, quick = derivation(FEW_ROUNDS + 1), derivation(FEW_ROUNDS)
    monkeypatch.setattr(keys, "_read", read)
    waiting = [gevent.spawn(KEYS.read, slow, "passphrase") for _ in range(4)]
    try:
        until(lambda: begun, "the first")
        assert KEYS.read(quick, "passphrase") is KEY
        assert len(begun) == 2
        monkeypatch.setattr(keys, "READ_WITHIN", 0.01)
        with pytest.raises(SshTimeout, match="private key"):
            KEYS.read(slow, "passphrase")
        assert len(begun) == 2  # and it is not read later either
    finally:
        held.release()
    assert [each.get() for each in waiting] == [KEY] * 4


KEY = paramiko.ECDSAKey.generate()


@pytest.mark.parametrize("kind", ["OPENSSH ", "", "ENCRYPTED ", "RSA "])
@pytest.mark.parametrize("filling", ["\n", " ", "A", "\nA", " \n"])
def test_text_that_is_made_to_be_slow(kind: str, filling: str) -> None:
    text = f"-----BEGIN {kind}PRIVATE KEY-----" + filling * (32 * 1024 // len(filling))
    started = time.process_time()
    for end in ("", "-----END"):
        with pytest.raises(BadKey):
            KEYS.read(text + end + "x", None)
    assert time.process_time() - started < 1.0


WHOLE = [derivation(1), rsa(P, Q), openssh(b"ssh-ed25519", b"x"), paramiko.ECDSAKey.generate().get_base64()]
WHOLE += [pkcs8(ed25519.Ed25519PrivateKey.generate(), *options) for options in ((), ("-iter", "2048"))]


@given(
    st.sampled_from(WHOLE).map(lambda text: text.encode()),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=6)), max_size=4),
    st.none() | st.text(max_size=80),
)
@example(WHOLE[0].encode(), [], "\ud800")
def test_any_damage_is_a_bad_key_or_none(text: bytes, damage: list[tuple[int, int, bytes]], passphrase: str) -> None:
    lines = text.decode().strip().split("\n")
    body = base64.b64decode("".join(lines[1:-1]) or "AAAA")
    for at, length, piece in damage:
        body = body[: at % len(body)] + piece + body[at % len(body) + length :] or b"x"
    with contextlib.suppress(BadKey):
        KEYS.read("\n".join([lines[0], base64.encodebytes(body).decode().strip(), lines[-1]]), passphrase)


def numbers(bits: int, e: int = 65537) -> RSAPrivateNumbers:
    """What fits together as an RSA key's numbers do, of so many bits, with numbers in the place of the primes."""
    p = (1 << bits // 2) - 1
    while p % 3 or gcd(e, p - 1) != 1:
        p -= 2
    q = ((1 << bits - 1) // p + 2) | 1
    while q % 3 == 0 or gcd(e, q - 1) != 1 or gcd(p, q) != 1:
        q += 2
    assert (p * q).bit_length() == bits
    d = pow(e, -1, (p - 1) * (q - 1))
    return RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), RSAPublicNumbers(e, p * q))


@pytest.mark.parametrize("form", ["OPENSSH", "RSA", ""])
def test_primes_are_not_proved(form: str) -> None:
    """That would take minutes; a key without primes signs what no sshd takes."""
    key = numbers(2048).private_key(unsafe_skip_rsa_key_validation=True)
    formats = {"OPENSSH": PrivateFormat.OpenSSH, "RSA": PrivateFormat.TraditionalOpenSSL, "": PrivateFormat.PKCS8}
    text = key.private_bytes(Encoding.PEM, formats[form], NoEncryption()).decode()
    assert KEYS.read(text, None).get_bits() == 2048


def text_of(found: RSAPrivateNumbers) -> str:
    public = found.public_numbers
    return openssh(b"ssh-rsa", b"".join(map(number, (public.n, public.e, found.d, found.iqmp, found.p, found.q))))


def test_the_size_of_an_rsa_key_is_bounded() -> None:
    for bits in (1024, MAX_BITS):
        assert KEYS.read(text_of(numbers(bits)), None).get_bits() == bits
    for bits in (1023, MAX_BITS + 1):
        with pytest.raises(BadKey):
            KEYS.read(text_of(numbers(bits)), None)
    assert KEYS.read(text_of(numbers(2048, e=3)), None).get_bits() == 2048


def test_a_key_that_is_no_rsa_key_is_none_in_its_disguise() -> None:
    plain = pkcs8(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(BadKey):
        KEYS.read(plain.replace("PRIVATE KEY", "RSA PRIVATE KEY"), None)


def test_a_key_with_as_many_rounds_as_may_be_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    words = [need("ssh-keygen"), "-q", "-t", "ed25519", "-a", "16", "-N", "open sesame", "-f", str(path)]
    subprocess.run(words, check=True)
    monkeypatch.setattr(keys, "MAX_ROUNDS", 16)
    assert KEYS.read(path.read_text(), "open sesame").get_name() == "ssh-ed25519"
    monkeypatch.setattr(keys, "MAX_ROUNDS", 15)
    with pytest.raises(BadKey):
        KEYS.read(path.read_text(), "open sesame")
