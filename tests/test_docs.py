"""The documents name everything there is, and what they tell people to type exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import config
from ethpillar import __version__, errors
from ethpillar.cli import commands_only
from tools.source import ROOT

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
PAGES += [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "deploy").rglob("README.md"))]
INSIDE = [ROOT / "ARCHITECTURE.md", ROOT / "frontend" / "README.md"]
"Pages for whoever works on the code, which need not name all there is."
TEXT = "\n".join(page.read_text() for page in PAGES)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
CLI = commands_only(__version__).cli


def typed() -> Iterator[tuple[str, str]]:
    """Yield each command that a page has people type, with the page's name."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield page.relative_to(ROOT).as_posix(), re.sub(r"\s+#.*", "", line)


TYPED = list(typed())


def kinds(base: type[errors.EthPillarError]) -> Iterator[type[errors.EthPillarError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif name not in ("run", "shell", "routes"):  # Flask's own
            yield (*path, name)


PLACES = ("ethpillar", "tests", "tools", "bench", "demo", "deploy", "docs", "frontend", "requirements")
"Folders in which a file that a page names by its path must be."


@pytest.mark.parametrize("page", [*PAGES, *INSIDE], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_file_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(rf"`((?:{'|'.join(PLACES)})/[\w./-]+)`", page.read_text()))
    missing = {path for path in named if not (ROOT / path).exists() and not (page.parent / path).exists()}
    assert not missing
    assert not re.findall(r"`(test_\w+\.py)`", page.read_text())  # of which nobody knows where it is


@pytest.mark.parametrize("name", [setting.name for setting in config.SETTINGS])
def test_each_setting_is_there(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("code", sorted({kind.code for kind in kinds(errors.EthPillarError)} - {"ssh_error"}))
def test_each_error_s_code_is_there(code: str) -> None:
    assert f"`{code}`" in TEXT


@pytest.mark.parametrize("path", sorted(commands(CLI)), ids=" ".join)
def test_each_command_is_there(path: tuple[str, ...]) -> None:
    assert re.search(rf"flask --app wsgi {' '.join(path)}\b", TEXT)


@pytest.mark.parametrize(
    "name", re.findall(r'^            "(\w+)": ', (ROOT / "ethpillar/gateway/events.py").read_text(), re.M)
)
def test_each_event_is_there(name: str) -> None:
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("page", [*PAGES, *INSIDE], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).resolve().exists(), link


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if "flask --app wsgi" in each[1]])
def test_a_command_of_ours_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line.partition("flask --app wsgi ")[2].rstrip(")"))
    command: click.Command = CLI
    while isinstance(command, click.Group) and words:
        found = command.commands.get(words[0])
        assert found is not None, f"{page}: {line}"
        command, words = found, words[1:]
    words = words[: next((number for number, word in enumerate(words) if word in ("|", ">", "&&")), len(words))]
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if re.match(r"make [a-z]", each[1])])
def test_a_target_of_make_exists(page: str, line: str) -> None:
    assert line.split()[1] in TARGETS, page


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if "Fernet" in each[1]])
def test_a_key_is_made_that_the_server_takes(page: str, line: str) -> None:
    words = [sys.executable, *shlex.split(line)[1:]]
    key = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    assert config.load({"REDIS_URL": "redis://localhost", "SESSION_KEY": f"{key},{key}"}, None).session_key == (
        key,
        key,
    )


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if "-m ethpillar.journal" in each[1]])
def test_the_filter_has_the_options(page: str, line: str) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "ethpillar.journal", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in re.findall(r"(--[a-z-]+)", line.partition("ethpillar.journal")[2]):
        assert option in help_text, page


@pytest.mark.parametrize(("page", "line"), [each for each in TYPED if re.search(r"\bpip\S* install\b", each[1])])
def test_what_pip_is_given_is_there(page: str, line: str) -> None:
    for name in re.findall(r"-r (\S+)", line):
        assert (ROOT / name).is_file(), page
