"""Chromium with the page of `frontend/browser`, driven through a Node.js process."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import threading
from typing import Any

from .. import programs
from ..waiting import until
from .package import FRONTEND, need

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return a Chromium; skip the test where there is none."""
    found = next(filter(None, map(programs.find, BROWSERS)), None)
    return found or programs.missing("Chromium")


class Browser:
    """A headless Chromium, and the web server of the page."""

    def __init__(self, port: int, mode: str = "development") -> None:
        """:param port: where the page is served; :param mode: which React it has, `development` or `production`"""
        need()
        node = programs.node() or programs.missing("Node.js")
        command = [node, "browser/driver.mjs", str(port), chromium(), mode]
        self._process = subprocess.Popen(
            command, cwd=FRONTEND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._numbers = itertools.count()
        self._answers: dict[int, dict[str, Any]] = {}
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(60), "Chromium did not start"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            message = json.loads(text)
            if "ready" in message:
                self._ready.set()
            else:
                self._answers[message["id"]] = message

    def do(self, op: str, **details: Any) -> Any:
        """Tell the driver to do something; return its answer."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        self._process.stdin.write(json.dumps({"id": number, "op": op, **details}) + "\n")
        self._process.stdin.flush()
        answer = until(lambda: self._answers.pop(number, None), f"the answer to {op}", 60)
        assert "problem" not in answer, answer["problem"]
        return answer["value"]

    def open(self, server: str, token: str | None, strict: bool = False, polling: bool = False, **parts: Any) -> Tab:
        """Open a tab, in a profile of its own, whose page has these parts.

        :param strict: with React's StrictMode; :param polling: without WebSockets
        """
        number = next(self._numbers)
        self.do("open", tab=number, server=server, token=token, strict=strict, polling=polling, parts=parts)
        return Tab(self, number)

    def close(self) -> None:
        """End the browser."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)


class Tab:
    """A tab with the page."""

    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def do(self, op: str, **details: Any) -> Any:
        """Do something with this tab."""
        return self._browser.do(op, tab=self._number, **details)

    def get(self, code: str) -> Any:
        """Return the value of an expression in the page."""
        return self.do("eval", code=code)

    def until(self, code: str, deadline: float = 30.0) -> Any:
        """Wait until an expression in the page is true; return its value."""
        try:
            return until(lambda: self.get(code), code, deadline)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the page has {self.state()}") from None

    def state(self) -> dict[str, Any]:
        """Return what the hooks returned last, without the socket."""
        return self.get(
            "({socket: app.seen.socket && {...app.seen.socket, socket: undefined}, status: app.seen.status, logs:"
            " Object.fromEntries(Object.entries(app.seen.logs).map(([k, v]) => [k, {...v, logs: v.logs.length}]))})"
        )

    def show(self, **parts: Any) -> None:
        """Navigate: the page has these parts now."""
        self.get(f"app.show({json.dumps(parts)})")

    def raws(self, service: str) -> list[str]:
        """Return the lines of a log that the page has."""
        return self.get(f"app.raws({json.dumps(service)})")

    def wait_lines(self, service: str, lines: list[str], deadline: float = 30.0) -> None:
        """Wait until a log ends with the last of these lines; check that it is just these."""
        last = json.dumps(lines[-1])
        self.until(f"app.raws({json.dumps(service)}).at(-1) === {last}", deadline)
        found = self.raws(service)
        at = next((at for at, pair in enumerate(zip(found, lines, strict=False)) if pair[0] != pair[1]), None)
        assert found == lines, f"{len(found)} lines, not {len(lines)}; from {at}: {found[at or 0 :][:5]}"

    def sockets(self) -> dict[str, int]:
        """Return how many WebSockets were `made` so far and are `open`."""
        return self.do("sockets")

    def said(self) -> list[str]:
        """Return the page's warnings and errors on the console."""
        return self.do("said")

    def close(self) -> None:
        """Close the tab."""
        self.do("close")
