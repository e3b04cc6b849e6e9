"""gunicorn's part of the configuration: `gunicorn -c gunicorn.conf.py wsgi:app`. Everything else is in config.py."""

import logging as _logging  # gunicorn takes names without an underscore for settings
import math as _math
import os as _os
import subprocess as _subprocess
import sys as _sys
from functools import partial as _partial
from pathlib import Path as _Path

from gunicorn.systemd import sd_notify as _sd_notify

from config import load_or_exit as _load
from config import take_over as _take_over
from config import unknown_names as _unknown_names

_settings = _load()

bind = _settings.address
worker_class = "ethpillar.web.worker.Worker"
# One worker: a node's connection and feeds are shared within a process, and a polling client finds its socket again.
workers = 1
worker_connections = 10000
# Importing the application before the worker's monkey patch would leave half of it unpatched.
preload_app = False
# A worker is a loop that always beats, unless something blocks it: then it is replaced.
timeout = 60
_FOR_REQUESTS = 3
"Seconds that a worker waits for requests under way, once clients were told and SSH is closed."
# After this the master kills the worker, so the orderly shutdown has to fit into it.
graceful_timeout = _math.ceil(_settings.shutdown_timeout) + _FOR_REQUESTS
keepalive = 5
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
proc_name = "ethpillar"
limit_request_line = 4094

_NOTIFY = "ETHPILLAR_NOTIFY_SOCKET"
"Where the address of systemd's socket is kept for the worker."
_OWN = ("ethpillar", "config", "setting_values")
"What the master imports of this project, for the class of its worker."
_CHECK = 60
"Seconds that new code may take to load."
_PACKAGES = _Path("requirements.txt")
"What is installed; in an image it is not there, and does not change."


def on_starting(server):
    """Prepare the master: its log, what it does at a reload, and who says that all is ready."""
    if "NOTIFY_SOCKET" in _os.environ:  # systemd would be told so before there is a worker
        _os.environ[_NOTIFY] = _os.environ.pop("NOTIFY_SOCKET")
    on_reload(server)


def on_reload(server):
    """Log as the application does: the master's own lines, and those about workers that hang or die."""
    from ethpillar.log_setup import handler

    for each in list(server.log.error_log.handlers):
        server.log.error_log.removeHandler(each)
    server.log.error_log.addHandler(handler(_settings.log_format == "json"))
    server.reload = _partial(_reload, server, _packages())


def _reload(server, packages):
    """Take new settings and new code; go on as before where the one is wrong or the other does not load.

    Of itself gunicorn would end. Its master has imported a part of the code, which a worker would get by the fork.
    """
    _take_over()
    wrong = _fault()
    if packages != _packages():
        wrong = "requirements.txt has changed, and packages are loaded at a restart only"
    if wrong:
        server.log.error("Not reloaded: %s", wrong)
        return
    for name in [name for name in _sys.modules if name.partition(".")[0] in _OWN]:
        del _sys.modules[name]
    type(server).reload(server)


def _packages():
    return _PACKAGES.read_bytes() if _PACKAGES.exists() else b""


def _fault():
    """Return why the code and the settings, as they are now, make no server; "" if they do."""
    try:
        done = _subprocess.run(
            [_sys.executable, "-c", "import wsgi, ethpillar.web.worker"],
            stdin=_subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHECK,
        )
    except _subprocess.TimeoutExpired:
        return f"the code did not load in {_CHECK} s"
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return said[-1].removeprefix("ethpillar: ") if done.returncode else ""


def post_worker_init(worker):
    """Start the background work, in the worker and not in the master."""
    unknown = _unknown_names()
    if unknown:
        _logging.getLogger("ethpillar.config").warning("In .env, but no settings: %s", ", ".join(unknown))
    worker.cfg.set("graceful_timeout", _FOR_REQUESTS)
    if _NOTIFY in _os.environ:
        _os.environ["NOTIFY_SOCKET"] = _os.environ.pop(_NOTIFY)
    server = worker.wsgi.extensions["ethpillar"]
    server.collector.start()
    server.start(_partial(_sd_notify, "READY=1", worker.log))
