"""gunicorn's part of the configuration."""

from __future__ import annotations

import gc
import logging
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from ethpillar.garbage import Collector

ROOT = Path(__file__).parents[1]


def test_the_master_starts_where_there_is_no_list_of_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in the image."""
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    conf = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    monkeypatch.chdir(tmp_path)
    server: Any = SimpleNamespace(log=SimpleNamespace(error_log=logging.Logger("master")))
    conf["on_starting"](server)
    assert callable(server.reload)


@pytest.mark.parametrize("timeout", ["1", "8", "59.5"])
def test_the_master_waits_for_the_whole_of_an_orderly_shutdown(monkeypatch: pytest.MonkeyPatch, timeout: str) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    monkeypatch.setenv("SHUTDOWN_TIMEOUT", timeout)
    conf = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert conf["graceful_timeout"] >= float(timeout) + 3
    started: list[str] = []
    collector = Collector(lambda: 0)
    server: Any = SimpleNamespace(start=lambda ready: started.append("started"), collector=collector)
    worker = SimpleNamespace(cfg=Config(), log=None, wsgi=SimpleNamespace(extensions={"ethpillar": server}))
    worker.cfg.set("graceful_timeout", conf["graceful_timeout"])
    conf["post_worker_init"](worker)
    frozen = gc.get_freeze_count()
    collector.stop()
    assert frozen > 10_000  # full collections do not walk through all that stays
    assert worker.cfg.graceful_timeout == 3  # for requests under way, after the shutdown
    assert started == ["started"]
