"""What lies over the Debian root: sshd on a port of its own, a journal that survives a reboot, and EthPillar's units.

Belongs here: the files of the machine under test, as text.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

EXECUTION = "Geth Execution Layer Client service for HOODI"
CONSENSUS = "Lighthouse Consensus Layer Client service for HOODI"
VALIDATOR = "Lighthouse Validator Client service for HOODI"
MEVBOOST = "MEV-Boost Service for HOODI"

# As EthPillar writes them, but for the waiting times, and that systemd never gives up.
_UNIT = """\
[Unit]
Description={description}
Wants=network-online.target
After=network-online.target
Documentation=https://docs.coincashew.com
StartLimitIntervalSec=0

[Service]
Type=simple
User={name}
Group={name}
Restart={restart}
RestartSec=100ms
KillSignal=SIGINT
TimeoutStopSec=20
ExecStart={start}

[Install]
WantedBy=multi-user.target
"""

# Numbered lines, several to a write; the number survives a stop. SIGUSR1 makes it fail, SIGUSR2 makes it pause.
_WRITER = """\
#!/bin/sh
file=/var/lib/ethpillar-test/$1
number=$(cat "$file" 2>/dev/null || echo 0)
over=
trap 'over=0' INT TERM
trap 'over=7' USR1
while [ -z "$over" ]; do
    for each in 1 2 3 4 5; do
        echo "INFO [11-23|13:47:55.000] Imported new potential chain segment number=$number"
        number=$((number + 1))
    done
    sleep 0.05
done
echo "$number" > "$file"
exit "$over"
"""

_FAILING = """\
#!/bin/sh
echo "CRIT Failed to start: no beacon node"
exit 3
"""

_QUIET = """\
#!/bin/sh
echo "listening on 127.0.0.1:18550"
exec sleep infinity
"""

_CHATTY = """\
#!/bin/sh
seq --format 'line %.0f' 1 400
exec sleep infinity
"""


def write_seed(folder: Path, port: int) -> None:
    """Writes the files that make a node of a plain Debian.

    :param port: of its sshd, on loopback
    """
    _write(folder / "etc/ssh/sshd_config.d/test.conf", f"Port {port}\nListenAddress 127.0.0.1\nUseDNS no\n")
    for kind in ("ed25519", "rsa"):
        key = folder / f"etc/ssh/ssh_host_{kind}_key"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)
    _write(folder / "etc/systemd/journald.conf.d/test.conf", "[Journal]\nStorage=persistent\nRateLimitBurst=0\n")
    _write(folder / "etc/tmpfiles.d/test.conf", "d /var/lib/ethpillar-test 0777\n")
    users = ("execution", "consensus", "validator", "mevboost")
    _write(folder / "etc/sysusers.d/test.conf", "".join(f"u {user} -\n" for user in users))
    _unit(folder, "execution", EXECUTION, "/opt/test/writer execution", _WRITER)
    _unit(folder, "consensus", CONSENSUS, "/opt/test/writer consensus", _WRITER)
    _unit(folder, "validator", VALIDATOR, "/opt/test/failing", _FAILING, restart="no")
    _unit(folder, "mevboost", MEVBOOST, "/opt/test/quiet", _QUIET)
    _unit(folder, "dora", "Dora the Explorer", "/opt/test/chatty", _CHATTY, restart="no", user="mevboost")


def _unit(
    folder: Path, name: str, description: str, start: str, script: str, restart: str = "on-failure", user: str = ""
) -> None:
    text = _UNIT.format(name=user or name, description=description, restart=restart, start=start)
    path = folder / f"etc/systemd/system/{name}.service"
    _write(path, text)
    _write(folder / start.split()[0].lstrip("/"), script).chmod(0o755)
    wanted = folder / f"etc/systemd/system/multi-user.target.wants/{name}.service"
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.symlink_to(f"/etc/systemd/system/{name}.service")


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
