"""The alert rules, the dashboard and the page about metrics: what they name is what the server prints."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from ethpillar import create_app
from ethpillar.limits.refusals import Refusal
from tools.source import ROOT

from ..programs import need

FOLDER = ROOT / "deploy" / "prometheus"
PAGE = (ROOT / "docs" / "metrics.md").read_text()
NAME = re.compile(r"\bethpillar_\w+")
PARTS = re.compile(r"_(bucket|count|sum)$")


@pytest.fixture(scope="module")
def printed() -> str:
    settings = config.load({"REDIS_URL": "redis://localhost:1", "METRICS_TOKEN": "0123456789abcdef"}, None)
    app = create_app(settings)
    answer = app.test_client().get("/metrics", headers={"Authorization": "Bearer 0123456789abcdef"})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def names(printed: str) -> set[str]:
    return {line.split()[2] for line in printed.splitlines() if line.startswith("# TYPE")}


def named(text: str) -> Iterator[str]:
    for name in NAME.findall(text):
        yield PARTS.sub("", name)


def test_each_name_begins_with_ours_and_is_on_the_page(printed: str) -> None:
    assert all(name.startswith("ethpillar_") for name in names(printed))
    assert names(printed) == set(re.findall(r"^\| `(ethpillar_\w+)`", PAGE, re.MULTILINE))


def test_promtool_finds_nothing_wrong_with_the_names(printed: str) -> None:
    found = subprocess.run([need("promtool"), "check", "metrics"], input=printed, text=True, capture_output=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.value)
def test_each_reason_is_on_the_page(refusal: Refusal) -> None:
    assert f"| `{refusal.value}` | {refusal.why[0].lower()}{refusal.why[1:]} | {refusal.cure} |" in PAGE


@pytest.mark.parametrize("file", ["alerts.yml", "dashboard.json"])
def test_what_rules_and_dashboard_name_is_printed(file: str, printed: str) -> None:
    assert set(named((FOLDER / file).read_text())) <= names(printed)


def test_the_dashboard_can_be_read() -> None:
    board = json.loads((FOLDER / "dashboard.json").read_text())
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_promtool_takes_the_questions_of_the_dashboard(tmp_path: Path) -> None:
    board = json.loads((FOLDER / "dashboard.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": expr.replace("$__rate_interval", "5m")}
        for number, expr in enumerate(asked)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # which is YAML, too
    found = subprocess.run([need("promtool"), "check", "rules", str(file)], text=True, capture_output=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_promtool_takes_the_rules_and_they_fire(tmp_path: Path) -> None:
    promtool = need("promtool")
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        found = subprocess.run([promtool, *words], cwd=FOLDER, text=True, capture_output=True)
        assert found.returncode == 0, found.stdout + found.stderr
    text = (
        (FOLDER / "prometheus.yml").read_text().replace("/etc/prometheus/ethpillar-alerts.yml", f"{FOLDER}/alerts.yml")
    )
    (tmp_path / "prometheus.yml").write_text(text)
    found = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")], text=True, capture_output=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
