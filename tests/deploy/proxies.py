"""nginx, Caddy and HAProxy, started from the files in `deploy/` as they are, but for ports and certificates."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

from tools.source import ROOT

from ..programs import need
from ..system.parts import free_port
from ..waiting import until

DEPLOY = ROOT / "deploy"
HOST = "localhost"
"What stands in the place of the files' `ws.example`: a name that every client here can look up."
NGINX = "daemon off;\npid %s/pid;\nerror_log stderr;\nevents {}\nhttp {\n%s\naccess_log off;\n%s\n}\n"
"What Debian's own nginx.conf has around a site."
BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Ports:
    """Where a proxy listens, and where the server does."""

    plain: int
    tls: int
    server: int

    def put_into(self, text: str) -> str:
        """Return a configuration in which these stand in the place of the usual ports."""
        text = re.sub(r"\n *listen \[::\][^\n]*", "", text)  # not every machine has IPv6
        text = text.replace("ws.example", HOST)
        text = re.sub(r"(listen |bind :)80\b", rf"\g<1>{self.plain}", text)
        text = re.sub(r"(listen |bind :)443\b", rf"\g<1>{self.tls}", text)
        return text.replace("127.0.0.1:3001", f"127.0.0.1:{self.server}")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of nobody's and its key."""
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    words = [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", f"/CN={HOST}", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(words, check=True, capture_output=True)
    return chain, key


def nginx(folder: Path, ports: Ports, file: str = "nginx/ethpillar.conf") -> list[str]:
    """Return the command that runs nginx with our file."""
    certificate(folder)
    text = ports.put_into((DEPLOY / file).read_text())
    text = text.replace(f"/etc/letsencrypt/live/{HOST}", str(folder))
    temporary = "\n".join(f"{each}_temp_path {folder}/{each};" for each in BODIES)
    config = folder / "nginx.conf"
    config.write_text(NGINX % (folder, temporary, text))
    return [need("nginx"), "-p", str(folder), "-c", str(config)]


def caddy(folder: Path, ports: Ports) -> list[str]:
    """Return the command that runs Caddy with our file; its certificate is its own."""
    text = ports.put_into((DEPLOY / "caddy" / "Caddyfile").read_text())
    options = f"{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port {ports.plain}\n"
    options += f"\thttps_port {ports.tls}\n\tstorage file_system {folder}\n}}\n"
    config = folder / "Caddyfile"
    config.write_text(options + text)
    return [need("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]


def haproxy(folder: Path, ports: Ports, file: str = "haproxy/haproxy.cfg") -> list[str]:
    """Return the command that runs HAProxy with our file."""
    chain, key = certificate(folder)
    both = folder / f"{HOST}.pem"
    both.write_text(chain.read_text() + key.read_text())
    text = ports.put_into((DEPLOY / file).read_text())
    config = folder / "haproxy.cfg"
    config.write_text(text.replace(f"/etc/haproxy/certs/{HOST}.pem", str(both)))
    return [need("haproxy"), "-db", "-f", str(config)]


KINDS: dict[str, Callable[[Path, Ports], list[str]]] = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


class Connection(HTTPSConnection):
    """HTTPS to a proxy on loopback, by IPv4, whoever made its certificate."""

    def connect(self) -> None:
        """See `HTTPSConnection`."""
        sock = socket.create_connection(("127.0.0.1", self.port), 20, source_address=self.source_address)
        self.sock = ssl._create_unverified_context().wrap_socket(sock, server_hostname=HOST)


class PublicProxy:
    """One of the proxies, running in front of a server."""

    def __init__(self, kind: str, folder: Path, server: int) -> None:
        self.ports = Ports(free_port(), free_port(), server)
        command = KINDS[kind](folder, self.ports)
        self._log = folder / "log"
        environment = {**os.environ, "HOME": str(folder)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            until(self._serves, f"{kind} to pass requests on")
        except AssertionError as problem:
            self.stop()
            raise AssertionError(f"{problem}:\n{self._log.read_text(errors='replace')[-3000:]}") from None

    def _serves(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with status {self.process.returncode}")
        with contextlib.suppress(OSError):
            return self.request("GET", "/readyz")[0] == 200
        return False

    @property
    def url(self) -> str:
        """Where browsers connect."""
        return f"https://{HOST}:{self.ports.tls}"

    def request(
        self, method: str, path: str, body: str | None = None, source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, str]:
        """Make a request from an address of this machine. Return its status and text."""
        connection = Connection(HOST, self.ports.tls, source_address=(source, 0))
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer: HTTPResponse = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def stop(self) -> None:
        """End it, by a signal that it can pass on: nginx killed at once would leave its worker behind."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
