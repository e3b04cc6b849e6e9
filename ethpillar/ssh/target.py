"""Where to log in and with what."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """One login on one node. Nothing of it appears in `repr`, so it can't get into a log by accident."""

    host: str = field(repr=False)
    port: int = field(repr=False)
    username: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    "PEM or OpenSSH text."
    passphrase: str | None = field(default=None, repr=False)
    host_key: str | None = field(default=None, repr=False)
    "`SHA256:` and 43 characters of Base64, as ssh-keygen -l prints it: the only host key to accept."
