"""`flask node watch`: somebody is woken, whatever breaks meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ..waiting import until
from .conftest import EXECUTION, World
from .parts import ROOT
from .test_cli import FLASK


class Target:
    """What is posted to, which may refuse."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.refused = 0
        self.refuses = False
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if target.refuses:
                    target.refused += 1
                else:
                    target.told.append(json.loads(body))
                self.send_response(503 if target.refuses else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


def start(world: World, token: str, *options: str) -> subprocess.Popen[str]:
    command = [*FLASK, "node", "watch", token, *options]
    environment = {**os.environ, "REDIS_URL": world.redis.url}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def test_what_goes_wrong_is_posted_once_also_to_a_target_that_comes_back(world: World, target: Target) -> None:
    target.refuses = True
    with start(
        world, world.session(), "execution", "--post", target.url, "--pattern", "missed", "--in-a-row", "2"
    ) as running:
        try:
            assert running.stderr is not None
            assert "watching execution" in running.stderr.readline()
            until(lambda: any("-f" in each["argv"] for each in world.node.running()), "the follower")
            for _ in range(4):
                world.node.append(EXECUTION, "attestation missed")
            world.node.append(EXECUTION, "panic: runtime error: index out of range")
            until(lambda: target.refused, "a post that is refused", 60)
            target.refuses = False
            until(lambda: len(target.told) == 2, "both posts", 60)
        finally:
            running.send_signal(2)
    assert {(each["service"], each["kind"], each["state"]) for each in target.told} == {
        ("execution", "row", "begun"),
        ("execution", "critical", "begun"),
    }
    assert running.returncode == 0


def test_a_try_and_a_dry_run(world: World, target: Target) -> None:
    with start(world, "unused", "--post", target.url, "--test") as running:
        assert running.wait(30) == 0
    assert target.told[0]["title"]
    world.node.set_unit(EXECUTION, ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="1")
    with start(world, world.session(), "execution", "--dry-run") as running:
        try:
            assert running.stdout is not None
            assert "execution has failed" in running.stdout.readline()
        finally:
            running.send_signal(2)
    assert len(target.told) == 1


def test_it_goes_on_after_a_node_and_a_redis_that_were_away(world: World, target: Target) -> None:
    with start(world, world.session(), "execution", "--post", target.url) as running:
        try:
            assert running.stderr is not None
            assert "watching execution" in running.stderr.readline()
            until(lambda: any("-f" in each["argv"] for each in world.node.running()), "the follower")
            world.sshd.stop()
            world.redis.stop()
            until(lambda: not world.node.running(), "the end of the connection")
            world.sshd.start()
            world.redis.start()
            world.node.append(EXECUTION, "panic: runtime error: index out of range")
            until(lambda: target.told, "what went wrong meanwhile", 120)
            assert (target.told[0]["kind"], target.told[0]["state"]) == ("critical", "begun")
            assert running.poll() is None
        finally:
            running.send_signal(2)
