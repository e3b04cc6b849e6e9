"""Each line that a document has people type is run by a test, or there is a reason why it can't be run here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.source import ROOT

from .test_docs import TYPED

BARE, DROPLET = "tests/bare", "tests/real_systemd/test_droplet.py"
RUN: dict[str, list[tuple[str, str]]] = {
    "README.md": [
        (r"sudo apt-get .*|git clone .*|make (demo|test)", BARE),
        (r"python3 -m venv .*|pip install .*|export REDIS_URL.*|gunicorn .*", "tests/deploy/test_run_it.py"),
        (r"python3 -c 'from crypto.*", "tests/test_docs.py"),
        (r"flask --app wsgi (doctor|top)", "tests/system/test_doctor.py"),
        (r"flask --app wsgi version", "tests/cli/test_help.py"),
        (r"flask --app wsgi (sessions|node) .*", "tests/system/test_cli.py"),
        (r"(journalctl .*)?python3 -m ethpillar.journal .*", "tests/journal/test_filter.py"),
        (r"pipx install .*", "tests/test_wheel.py"),
    ],
    "CONTRIBUTING.md": [(r"make .*", "tests/test_docs.py"), (r".*pytest .*", "tests/test_docs_typed.py")],
    "docs/deploying.md": [
        (r"CONSOLE=1 gunicorn .*", "tests/system/test_running.py"),
        (r"flask --app wsgi sessions create .*", "tests/system/test_cli.py"),
    ],
    "docs/history.md": [(r"flask node .*", "tests/system/test_history_docs.py")],
    "docs/operating.md": [(r".*", DROPLET)],
    "deploy/README.md": [(r"SSH_DENIED_NETWORKS=.*", "tests/test_docs_typed.py")],
    "deploy/docker/README.md": [(r"git clone .*", "tests/bare/image.py")],
    "deploy/droplet/README.md": [(r".*", DROPLET)],
    "deploy/scale/README.md": [
        (r"sed -e .*|systemctl disable .*", DROPLET),
        (r"(cp|nginx -t|haproxy -c) .*", "tests/deploy/test_scale.py"),
    ],
    "deploy/heroku/README.md": [(r"cp .*", "tests/test_docs_typed.py")],
    "deploy/nginx/README.md": [
        (r"cp .*|sed -i .*", "tests/test_docs_typed.py"),
        (r"nginx -t .*", "tests/deploy/proxies.py"),
    ],
    "deploy/caddy/README.md": [(r"cp .*|caddy validate .*", "tests/deploy/proxies.py")],
    "deploy/haproxy/README.md": [(r"cp .*|cat .*|haproxy -c .*", "tests/deploy/proxies.py")],
    "deploy/prometheus/README.md": [(r"cp .*|promtool .*", "tests/deploy/test_prometheus.py")],
}
"By page: the lines, and where each is run or its parts are."
NOT_HERE = {
    r"apt install .*": "the packages are Debian's own, and the tests install them",
    r"(systemctl stop nginx && )?certbot .*": "it needs a name that the whole internet can look up",
    r"ln -s \.\./sites-available/.*": "Debian's way of switching a site on",
    r"systemctl restart prometheus ethpillar": "both units restart in tests of their own",
    r"(doctl|fly|heroku|railway|render) .*|git push heroku .*": "it needs an account with the platform",
    r"nano .*": "an editor",
    r".*docker compose .*": "no image registry can be reached; make test-image runs the image's steps",
}
"Lines that can't be run, with the reason."


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_each_line_is_run_somewhere(page: str, line: str) -> None:
    line = line.strip()
    if any(re.fullmatch(pattern, line) for pattern in NOT_HERE):
        return
    places = [place for pattern, place in RUN.get(page, []) if re.fullmatch(pattern, line, re.DOTALL)]
    assert places, f"{page}: nothing runs {line!r}"
    assert (ROOT / places[0]).exists()


@pytest.mark.parametrize("pattern", NOT_HERE)
def test_no_reason_is_left_over(pattern: str) -> None:
    assert any(re.fullmatch(pattern, line.strip()) for _, line in TYPED)


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if "-m pytest" in each[1]])
def test_what_contributors_run_finds_tests(page: str, line: str) -> None:
    words = line.partition("-m pytest ")[2].split()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if "Procfile" in each[1]])
def test_the_files_for_heroku_are_committed(page: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy" / "heroku", tmp_path / "deploy" / "heroku")
    init = "git init -q . && git config user.name t && git config user.email t@example.invalid && "
    subprocess.run(["sh", "-ec", init + line], cwd=tmp_path, check=True, capture_output=True)
    names = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert names.split() == [".python-version", "Procfile"]


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if each[1].startswith("sed -i ")])
def test_nginx_gets_more_connections(page: str, line: str, tmp_path: Path) -> None:
    config = tmp_path / "nginx.conf"
    config.write_text("events {\n\tworker_connections 768;\n\t# multi_accept on;\n}\n")
    subprocess.run(["sh", "-ec", line.replace("/etc/nginx/nginx.conf", str(config))], check=True)
    assert "worker_connections 20000;" in config.read_text()


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if each[1].startswith("SSH_DENIED_NETWORKS=")])
def test_the_networks_to_deny_are_taken(page: str, line: str) -> None:
    import config

    settings = config.load({"REDIS_URL": "redis://localhost", "SSH_DENIED_NETWORKS": line.partition("=")[2]}, None)
    assert len(settings.ssh_denied_networks) == line.count(",") + 1
