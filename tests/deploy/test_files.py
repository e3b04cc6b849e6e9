"""The files in `deploy/` that a platform reads: what they name is there. The platforms themselves are not here."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import config
from tools.source import ROOT

DEPLOY = ROOT / "deploy"
KNOWN = {setting.name for setting in config.SETTINGS} | {"PORT"}
FOLDERS = sorted(path for path in DEPLOY.iterdir() if path.is_dir())
COMMAND = ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"deploy/[\w./-]*\w")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each with its words."""
    lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_folder_says_what_to_type_and_its_paths_are_there(folder: Path) -> None:
    assert "```sh" in (folder / "README.md").read_text()
    for path in folder.iterdir():
        for named in NAMED.findall(path.read_text()):
            assert (ROOT / named).exists(), f"{path.name} names {named}"


@pytest.mark.parametrize("page", [DEPLOY / "README.md", *DEPLOY.glob("*/README.md")], ids=lambda path: path.parent.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).resolve().exists(), link


def test_the_image_has_what_the_server_needs_and_nothing_secret() -> None:
    copied = [words.split()[:-1] for name, words in instructions() if name == "COPY" and "--from" not in words]
    names = {name for words in copied for name in words}
    assert names >= {"requirements.txt", "config.py", "gunicorn.conf.py", "wsgi.py", "ethpillar"}
    assert all((ROOT / name).exists() for name in names)
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == names


def test_the_image_runs_as_nobody_and_gets_signals_itself() -> None:
    last = dict(instructions())
    assert json.loads(last["CMD"]) == COMMAND
    assert last["USER"] != "root"
    script = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    compile(script[2], "healthcheck", "exec")
    assert "/healthz" in script[2]


def test_a_procfile_runs_the_production_command() -> None:
    assert (DEPLOY / "heroku" / "Procfile").read_text().removeprefix("web: ").split() == COMMAND
    assert re.fullmatch(r"3\.\d+\n", (DEPLOY / "heroku" / ".python-version").read_text())


def test_every_setting_that_a_file_sets_is_one() -> None:
    fly = tomllib.loads((DEPLOY / "fly" / "fly.toml").read_text())
    assert set(fly["env"]) <= KNOWN
    assert (DEPLOY / "fly" / fly["build"]["dockerfile"]).is_file()
    for name in ("app-platform/app.yaml", "render/render.yaml"):
        keys = set(re.findall(r"key: ([A-Z_]+)", (DEPLOY / name).read_text()))
        assert "FRONTEND_URL" in keys
        assert keys <= KNOWN
    compose = (DEPLOY / "docker" / "compose.yaml").read_text()
    assert set(re.findall(r"^      ([A-Z_]+):", compose, re.MULTILINE)) <= KNOWN
    for page in DEPLOY.glob("*/README.md"):
        assert set(re.findall(r"(?:^| |'|`)([A-Z]+_[A-Z_]+)=", page.read_text())) <= KNOWN, page


def test_probes_are_paths_that_the_server_has() -> None:
    railway = json.loads((DEPLOY / "railway" / "railway.json").read_text())
    assert railway["deploy"]["healthcheckPath"] == "/readyz"
    assert (ROOT / railway["build"]["dockerfilePath"]).is_file()
    for path in (DEPLOY / "app-platform" / "app.yaml", DEPLOY / "render" / "render.yaml", DEPLOY / "fly" / "fly.toml"):
        assert "/readyz" in path.read_text()
