"""The programs that tests use are installed, or there on every Debian."""

from __future__ import annotations

import re
from pathlib import Path

from . import programs
from .real_systemd.root import NEEDED

EVERYWHERE = {"false", "nologin", "rbash"}
"Of packages that Debian calls essential."


def test_each_program_that_a_test_needs_can_be_installed() -> None:
    """On a machine that happens to have one, nobody would notice that its package is not named."""
    named = {
        name
        for path in Path(__file__).parent.rglob("*.py")
        for name in re.findall(r"\bneed\(\"([^\"]+)\"\)", path.read_text())
    }
    assert named >= {"promtool", "faketime"}
    assert named <= {*programs.PACKAGES, *NEEDED, *EVERYWHERE}
