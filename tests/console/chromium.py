"""A real Chromium, in a Node.js process that is told what to do."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from .. import programs

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")


class PageProblem(AssertionError):
    """The browser could not do what it was asked for."""


class Chromium:
    """The browser; each page of it is a `Page`."""

    def __init__(self, folder: Path) -> None:
        executable = next(filter(None, map(shutil.which, NAMES)), None) or programs.missing("Chromium")
        node = programs.node() or programs.missing("Node.js")
        if not (HERE / "node_modules" / "puppeteer-core").is_dir():
            programs.missing("puppeteer-core (npm ci in tests/console)")
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [node, "browser.mjs", executable, str(folder / "profile")],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == '{"ready":true}\n'

    def ask(self, op: str, **command: Any) -> Any:
        """Do something in the browser, for one thread after the other; what comes of it. Raises `PageProblem`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps({"op": op, **command}) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or '{"error": "the browser ended"}')
        if "error" in answer:
            raise PageProblem(f"{op}: {answer['error']}")
        return answer["value"]

    def open(self, url: str, **options: Any) -> Page:
        """Open a page.

        :param options: `width`, `height`, `theme`, `motion`, `forced` (colours), and a `script` that runs before the
            page's own
        """
        return Page(self, self.ask("open", url=url, **options))

    def close(self) -> None:
        """End the browser."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Page:
    """A page in the browser."""

    def __init__(self, browser: Chromium, number: int) -> None:
        self._browser = browser
        self._id = number

    def do(self, op: str, **command: Any) -> Any:
        """Do something on this page."""
        return self._browser.ask(op, id=self._id, **command)

    def eval(self, script: str) -> Any:
        """The value of an expression."""
        return self.do("eval", script=script)

    def wait(self, script: str, deadline: float = 20.0) -> Any:
        """Wait until an expression is true."""
        try:
            return self.do("wait", script=script, timeout=deadline * 1000)
        except PageProblem as problem:
            shown = self.eval("document.body.innerText")[:1500]
            raise AssertionError(f"waited for {script}: {problem}; the page says:\n{shown}") from None

    def see(self, text: str, selector: str = "body", deadline: float = 20.0) -> None:
        """Wait until a text can be read."""
        where = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"({where}?.innerText ?? '').includes({json.dumps(text)})", deadline)

    def text(self, selector: str) -> str:
        """What can be read in an element."""
        return str(self.eval(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def texts(self, selector: str) -> list[str]:
        """What can be read in each of several elements."""
        return list(self.eval(f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.innerText)"))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.do("press", key=key)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self.do("click", selector=selector)

    def button(self, words: str) -> None:
        """Click on the button that says this."""
        find = f"[...document.querySelectorAll('button')].find((each) => each.innerText.trim() === {json.dumps(words)})"
        self.wait(f"Boolean({find})")
        self.eval(f"{find}.click()")

    def problems(self) -> list[str]:
        """Errors of the page and of the policy since the last call."""
        return list(self.do("problems"))

    def close(self) -> None:
        """Close the page."""
        self.do("close")
