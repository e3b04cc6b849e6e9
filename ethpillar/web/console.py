"""The console's page and the files that it loads.

Belongs here: how they are sent. What they are is in `ethpillar/console/`. Nothing of a node or a session is in them:
the page asks for data over Socket.IO, with the token that its visitor has.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as Answer

FOLDER = Path(__file__).parents[1] / "console"
PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types console",
    )
)
FOR_EVER = "public, max-age=31536000, immutable"
VERSION = b"{version}"
"Stands in the page for the folder of this version's files."


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    data: bytes
    packed: bytes
    type: str


def load(folder: Path = FOLDER) -> tuple[str, dict[str, Asset]]:
    """Read the console's files: a hash of them all, and each by its name."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in TYPES
    }
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(b"%d %s %d " % (len(name), name.encode(), len(data)) + data)
    version = digest.hexdigest()[:16]
    files[PAGE] = files[PAGE].replace(VERSION, version.encode())
    return version, {
        name: Asset(data, gzip.compress(data, mtime=0), TYPES[Path(name).suffix]) for name, data in files.items()
    }


def add_console(app: Flask) -> None:
    """Add the page at `/console`, and its files below a folder named by their hash: browsers may keep them for ever."""
    version, assets = load()
    console = Blueprint("console", __name__)

    @console.get("/console")
    def page() -> Response:
        response = _answer(assets[PAGE])
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    @console.get("/console/")
    def with_slash() -> Answer:
        return redirect("../console", 308)

    @console.get(f"/console/{version}/<path:name>")
    def file(name: str) -> Answer:
        asset = assets.get(name)
        if asset is None or name == PAGE:
            abort(404)
        response = _answer(asset)
        response.headers["Cache-Control"] = FOR_EVER
        response.set_etag(version)
        return response.make_conditional(request)

    app.register_blueprint(console)


def _answer(asset: Asset) -> Response:
    packed = request.accept_encodings.quality("gzip") > 0
    response = Response(asset.packed if packed else asset.data, content_type=asset.type)
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response
