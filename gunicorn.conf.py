"""gunicorn's part of the configuration: `gunicorn -c gunicorn.conf.py wsgi:app`. Everything else is in config.py."""

import logging as _logging  # gunicorn takes names without an underscore for settings
import math as _math
from functools import partial as _partial

from config import faults as _faults
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


def on_starting(server):
    """Log as the application does: the master's own lines, and those about workers that hang or die."""
    from ethpillar.log_setup import handler

    for each in list(server.log.error_log.handlers):
        server.log.error_log.removeHandler(each)
    server.log.error_log.addHandler(handler(_settings.log_format == "json"))
    server.reload = _partial(_reload, server, server.reload)


def _reload(server, reload):
    """Reload new code and settings; where a setting is wrong, go on as before: the master would end, or its worker."""
    _take_over()
    wrong = _faults()
    if wrong:
        server.log.error("Not reloaded: %s", "; ".join(wrong))
        return
    reload()


def post_worker_init(worker):
    """Start the background work, in the worker and not in the master."""
    unknown = _unknown_names()
    if unknown:
        _logging.getLogger("ethpillar.config").warning("In .env, but no settings: %s", ", ".join(unknown))
    worker.cfg.set("graceful_timeout", _FOR_REQUESTS)
    worker.wsgi.extensions["ethpillar"].start()
