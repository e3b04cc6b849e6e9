"""The unit file of systemd, as systemd itself reads it."""

from __future__ import annotations

import re
import subprocess

import pytest

from tools.source import ROOT

from ..programs import find

UNIT = ROOT / "deploy" / "droplet" / "ethpillar.service"


def test_the_unit_gives_away_few_rights() -> None:
    analyze = find("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing")
    done = subprocess.run([analyze, "security", "--offline=yes", str(UNIT)], capture_output=True, text=True)
    found = re.search(r"exposure level for ethpillar\.service: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd-analyze has no --offline")
    assert float(found[1]) < 2


def test_a_wrong_setting_stops_it_and_secrets_are_in_a_file_for_root() -> None:
    lines = UNIT.read_text().splitlines()
    assert "RestartPreventExitStatus=2" in lines
    assert "EnvironmentFile=/etc/ethpillar.env" in lines
    assert "Type=notify" in lines
    set_here = [line for line in lines if line.startswith("Environment=")]
    assert set_here == ["Environment=CONTROL_SOCKET=/run/ethpillar/control"]
