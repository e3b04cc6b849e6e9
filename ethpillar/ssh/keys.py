"""A session's private key.

Belongs here: reading one in any form that ssh itself takes (OpenSSH's, PEM and PKCS #8), and what that may cost.
Anybody may bring a key, and a key says itself how much work reading it is: rounds of a key derivation, and primes that
OpenSSL proves to be primes, for minutes and without yielding. So the rounds are bounded and run in a thread, the many
in another than the usual few, and of an RSA key is checked only that its numbers fit together: one that is no good
after all signs what no sshd takes, and that is its owner's loss alone.
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import gevent
import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ObjectIdentifier
from gevent.threadpool import ThreadPool

from ..errors import BadKey, SshTimeout

MAX_ROUNDS = 128
"Of bcrypt: ssh-keygen takes 24, people take 100, and 128 are a second or two."
FEW_ROUNDS = 32
"A key with more of them waits with its like, and holds up no others."
MAX_PKCS8_ROUNDS = 100_000
"Of PBKDF2: ssh-keygen and OpenSSL take 2,048. They run without yielding, 100,000 in some hundredths of a second."
MAX_BITS = 8192
"Of an RSA key."
THREADS = 2
"Keys that are read at once; of those with many rounds it is one, which leaves a processor to all else."
READ_WITHIN = 15.0
"Seconds for a key's turn and its reading together."

# What is between the lines can't be taken in two ways: no text makes these slow.
_OPENSSH = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----\s([A-Za-z0-9+/=\s]*+)-----END OPENSSH PRIVATE KEY-----")
_PKCS8 = re.compile(
    r"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\s([A-Za-z0-9+/=\s]*+)-----END (?:ENCRYPTED )?PRIVATE KEY-----"
)
_PBES2, _PBKDF2 = ObjectIdentifier("1.2.840.113549.1.5.13"), ObjectIdentifier("1.2.840.113549.1.5.12")
_MAGIC = b"openssh-key-v1\0"
# What paramiko, cryptography and PyNaCl raise for what is no key, or for a passphrase that is wrong.
_FAILURES = (
    *(ValueError, LookupError, TypeError, ArithmeticError, AssertionError, AttributeError, EOFError, OSError),
    *(paramiko.SSHException, UnsupportedAlgorithm),
)


# RFC 5958's EncryptedPrivateKeyInfo with RFC 8018's PBES2 and PBKDF2 in it, as far as its cost goes.


@asn1.sequence
class _Function:
    name: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    rounds: int
    length: int | None
    function: _Function | None


@asn1.sequence
class _Derivation:
    name: ObjectIdentifier
    parameters: _Pbkdf2


@asn1.sequence
class _Pbes2:
    derivation: _Derivation
    cipher: asn1.TLV


@asn1.sequence
class _Encryption:
    name: ObjectIdentifier
    parameters: _Pbes2


@asn1.sequence
class _Encrypted:
    encryption: _Encryption
    data: bytes


class _RsaKey(paramiko.RSAKey):
    """An RSA key whose primes are not proved to be any."""

    def _decode_key(self, data: Any) -> None:
        kind, blob = data
        if kind == self._PRIVATE_KEY_FORMAT_ORIGINAL:
            key = serialization.load_der_private_key(blob, None, unsafe_skip_rsa_key_validation=True)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError("not RSA")
            numbers = key.private_numbers()
        else:
            n, e, d, iqmp, p, q = self._uint32_cstruct_unpack(blob, "iiiiii")
            public = rsa.RSAPublicNumbers(e, n)
            numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), iqmp, public)
        if not _fits_together(numbers):
            raise ValueError("no RSA key")
        self.key = numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _fits_together(key: rsa.RSAPrivateNumbers) -> bool:
    n, e, p, q = key.public_numbers.n, key.public_numbers.e, key.p, key.q
    if any(number.bit_length() > MAX_BITS for number in (n, e, p, q, key.d, key.iqmp)) or n.bit_length() < 1024:
        return False
    return (
        min(e, p, q) > 2
        and p * q == n
        and n & 1 == 1
        and key.d * e % (p - 1) == key.d * e % (q - 1) == 1
        and key.iqmp * q % p == 1
        and (key.dmp1, key.dmq1) == (key.d % (p - 1), key.d % (q - 1))
    )


_PEM: dict[str, type[paramiko.PKey]] = {"RSA": _RsaKey, "EC": paramiko.ECDSAKey}
_TYPES: dict[bytes, type[paramiko.PKey]] = {
    **{b"ssh-ed25519": paramiko.Ed25519Key, b"ssh-rsa": _RsaKey},
    **{b"ecdsa-sha2-nistp" + bits: paramiko.ECDSAKey for bits in (b"256", b"384", b"521")},
}


class KeyReader:
    """Reads private keys in threads of its own; an application has one."""

    def __init__(self) -> None:
        self._threads: dict[bool, ThreadPool] = {}
        "By whether they read slow keys."

    def read(self, text: str, passphrase: str | None) -> paramiko.PKey:
        """Return a private key from its OpenSSH or PEM text.

        :raises BadKey: it is no key, or the passphrase is wrong
        :raises SshTimeout: others' keys were in the way
        """
        slow = _rounds(text) > FEW_ROUNDS
        if slow not in self._threads:
            self._threads[slow] = ThreadPool(1 if slow else THREADS)
        late = SshTimeout("The private key could not be read in time.", hint="Try again later.")
        with gevent.Timeout(READ_WITHIN, late):
            key = self._threads[slow].apply(_read, (text.strip() + "\n", passphrase))
        if key is None:
            raise BadKey
        return key


def _rounds(text: str) -> int:
    """Return the rounds of bcrypt that the key itself claims; 0 if there are none."""
    found = _OPENSSH.search(text)
    try:
        return 0 if found is None else _openssh_head(base64.decodebytes(found[1].encode()))[0]
    except _FAILURES:
        return 0


def _read(text: str, passphrase: str | None) -> paramiko.PKey | None:
    # Returns None instead of raising: what is raised in gevent's threads is printed.
    try:
        if text.count("-----BEGIN") == 1 and (pkcs8 := _PKCS8.search(text)):
            text, passphrase = _from_pkcs8(base64.b64decode(pkcs8[2]), bool(pkcs8[1]), passphrase), None
        kind = _kind(text)
        return None if kind is None else kind.from_private_key(io.StringIO(text), password=passphrase)
    except _FAILURES:
        return None


def _from_pkcs8(der: bytes, encrypted: bool, passphrase: str | None) -> str:
    """Return the same key in OpenSSH's format, the one that paramiko reads for every kind. Raises ValueError."""
    secret = None
    if encrypted:
        scheme = asn1.decode_der(_Encrypted, der).encryption
        derivation = scheme.parameters.derivation
        if (scheme.name, derivation.name) != (_PBES2, _PBKDF2) or derivation.parameters.rounds > MAX_PKCS8_ROUNDS:
            raise ValueError("not to be decrypted at any cost")
        secret = (passphrase or "").encode()
    key = serialization.load_der_private_key(der, secret, unsafe_skip_rsa_key_validation=True)
    openssh = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, openssh, serialization.NoEncryption()).decode()


def _kind(text: str) -> type[paramiko.PKey] | None:
    """Return the kind of key that the text claims to be, or None if it must not be read."""
    if text.count("-----BEGIN") != 1:
        return None
    if pem := re.search("-----BEGIN (RSA|EC) PRIVATE KEY-----", text):
        return _PEM[pem[1]]
    found = _OPENSSH.search(text)
    try:
        rounds, kind = (0, None) if found is None else _openssh_head(base64.decodebytes(found[1].encode()))
    except ValueError:
        return None
    return kind if rounds <= MAX_ROUNDS else None


def _openssh_head(data: bytes) -> tuple[int, type[paramiko.PKey] | None]:
    """Return rounds and kind, from the part of OpenSSH's format (its PROTOCOL.key) that is not encrypted."""
    message = paramiko.Message(data)
    if message.get_bytes(len(_MAGIC)) != _MAGIC:
        return 0, None
    message.get_binary()  # the cipher
    kdf, options = message.get_binary(), paramiko.Message(message.get_binary())
    options.get_binary()  # the salt
    rounds = 0 if kdf == b"none" else options.get_int()
    if message.get_int() != 1:
        return rounds, None
    name: bytes = paramiko.Message(message.get_binary()).get_binary()
    return rounds, _TYPES.get(name)
