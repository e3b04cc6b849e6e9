"""The headers of every answer, no matter which part of the server made it.

Belongs here: what a browser must not do with what this server sends, and answers that say nothing but a status.
"""

from __future__ import annotations

from http import HTTPStatus

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_RAW = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def harden(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours, and without those that say what this server is."""
    kept = [pair for pair in headers if pair[0].lower() not in (b"server", b"x-powered-by")]
    names = {name.lower() for name, _ in kept}
    return kept + [pair for pair in _RAW if pair[0].lower() not in names]


def status_line(code: int) -> str:
    """Return a status with its phrase, e.g. `404 Not Found`."""
    return f"{code} {HTTPStatus(code).phrase}"


def last_answer(code: int) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    text = f"{HTTPStatus(code).phrase}\n".encode()
    headers = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", str(len(text)).encode()),
        (b"Connection", b"close"),
    ]
    lines = [name + b": " + value + b"\r\n" for name, value in harden(headers)]
    return b"HTTP/1.1 " + status_line(code).encode() + b"\r\n" + b"".join(lines) + b"\r\n" + text
