"""A real Dropbear, the SSH server of small machines, in the place of OpenSSH's."""

from __future__ import annotations

import subprocess

from tests.programs import need
from tests.waiting import until

from .parts import Sshd, answers


class Dropbear(Sshd):
    """A real Dropbear on loopback, with the same user, password and key as `Sshd` has."""

    program = "dropbear"

    def new_host_key(self, kind: str = "ed25519") -> None:
        """Makes a new host key; the server has it after a restart."""
        path = self.folder / f"dropbear_{kind}"
        path.unlink(missing_ok=True)
        subprocess.run([need("dropbearkey"), "-t", kind, "-f", str(path)], check=True, capture_output=True)

    def fingerprint(self, kind: str = "ed25519") -> str:
        """`SHA256:...` of a host key, as dropbearkey tells it."""
        words = [need("dropbearkey"), "-y", "-f", str(self.folder / f"dropbear_{kind}")]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1]

    def start(self) -> None:
        """Starts it (again) on the same port and waits until it answers."""
        words = f"{self.executable} -F -E -m -r {self.folder}/dropbear_ed25519 -p 127.0.0.1:{self.port} -P /dev/null"
        script = (
            f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.folder}/shadow /etc/shadow && "
            f"mount --bind {self.folder}/shells /etc/shells && exec {words} 2>>{self.folder}/log"
        )
        (self.folder / "shells").write_text(f"/bin/sh\n{self.folder}/shell\n")
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        until(lambda: answers(self.port), "dropbear")

    def logins(self) -> int:
        """How many logins were accepted so far."""
        return (self.folder / "log").read_text(errors="replace").count("auth succeeded")

    def failures(self) -> int:
        """How many passwords or keys were refused so far."""
        return (self.folder / "log").read_text(errors="replace").count("Bad password attempt")
