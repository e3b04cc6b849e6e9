"""How the console's files are sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from ethpillar.web.console import FOLDER, TYPES, add_console, load


@pytest.fixture
def app() -> Flask:
    made = Flask("console", static_folder=None)
    add_console(made)
    return made


def test_the_page(app: Flask) -> None:
    answer = app.test_client().get("/console")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "ETag" not in answer.headers


def test_files_may_be_kept_for_ever_as_their_folder_is_their_hash(app: Flask) -> None:
    version, assets = load()
    client = app.test_client()
    for name, asset in assets.items():
        if name == "index.html":
            continue
        answer = client.get(f"/console/{version}/{name}")
        assert answer.status_code == 200
        assert answer.data == asset.data
        assert answer.content_type in TYPES.values()
        assert "immutable" in answer.headers["Cache-Control"]
        again = client.get(f"/console/{version}/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        assert client.get(f"/console/0000/{name}").status_code == 404
    packed = client.get("/console", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"


def test_the_page_s_address_has_no_slash_at_its_end(app: Flask) -> None:
    answer = app.test_client().get("/console/")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "../console"  # below whatever prefix a proxy puts before it


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0"])
def test_a_file_is_sent_as_it_is_to_a_client_that_can_not_unpack(app: Flask, accepted: str) -> None:
    answer = app.test_client().get("/console", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.data.startswith(b"<!")


@pytest.mark.parametrize(
    "path", ["", "index.html", "../console.py", "%2e%2e/console.py", "..%2fweb/console.py", "etc/passwd", "x.js"]
)
def test_nothing_else_is_sent(app: Flask, path: str) -> None:
    version, _ = load()
    assert app.test_client().get(f"/console/{version}/{path}").status_code == 404


def test_a_changed_file_is_another_version(tmp_path: Path) -> None:
    for name in ("index.html", "a.js"):
        (tmp_path / name).write_text("{version}")
    (tmp_path / "notes.txt").write_text("is not sent")
    before, assets = load(tmp_path)
    assert assets["index.html"].data.decode() == before
    assert assets["a.js"].data == b"{version}"
    assert "notes.txt" not in assets
    (tmp_path / "a.js").write_text("other")
    assert load(tmp_path)[0] != before


def test_nothing_in_the_page_is_inline() -> None:
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"\son\w+=|style=|<style|javascript:|<script(?![^>]*\bsrc=)", page)
