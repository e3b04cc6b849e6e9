"""Logging: one line an event, and no library that would print what a client sent.

Belongs here: which loggers speak. Engine.IO logs packets (tokens among them), paramiko logs what a peer said, and
both print stack traces for bad input: they are silenced, and what matters of it is told by our own code.
"""

from __future__ import annotations

import logging
import sys

SILENT = logging.getLogger("ethpillar.silent")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False
SILENT.setLevel(logging.CRITICAL + 1)

_TALKATIVE = ("engineio", "socketio", "geventwebsocket", "paramiko", "werkzeug")


def set_up(level: str) -> None:
    """Logs to stderr, as a service does whose journal has its own times.

    :param level: `debug`, `info`, `warning` or `error`
    """
    root = logging.getLogger("ethpillar")
    root.setLevel(level.upper())
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
        root.propagate = False
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
