"""`flask doctor`: everything about this machine that can keep the server from working, with the fix for each.

Belongs here: looking, and saying what to do. It needs no valid setting to start with, and prints no setting's value.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import resource
import shlex
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import redis
from gevent import monkey

import config

from ..memory import PART, memory_there
from ..sessions.redis_link import connect, refusal_of
from .common import Step, json_option, print_json, print_step
from .running import NotRunning, ask

ROOT = Path(config.__file__).parent
WORKER = "ethpillar.web.worker.Worker"
FEW_FILES = 4096
SKEW = 5.0
"Seconds that this clock and Redis's may differ."
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, Redis, versions and this machine: a tick for each, or a cross with the fix (exit status 1)."""
    steps = []
    for step in examine():
        steps.append(step)
        if not as_json:
            print_step(step)
    if as_json:
        print_json([{"name": each.name, "ok": each.ok, "found": each.found, "fix": each.fix} for each in steps])
    if any(step.ok is False for step in steps):
        raise click.exceptions.Exit(1)


def examine() -> Iterator[Step]:
    """Yield everything that was looked at."""
    yield from settings_steps()
    yield from version_steps()
    yield worker_step(os.environ)
    yield patch_step()
    yield files_step(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    try:
        settings = config.load()
    except config.ConfigError:
        yield Step("Redis", None, "not asked, as the settings are not valid")
        return
    yield memory_step(settings.memory_budget, memory_there())
    yield from redis_steps(settings.redis_url)
    yield from running_steps(settings)


def settings_steps() -> Iterator[Step]:
    """Look at every setting, and at the file."""
    try:
        faults = config.faults()
    except config.ConfigError as problem:
        yield Step("Settings", False, str(problem), "Correct the file.")
        return
    for fault in faults:
        yield Step("Settings", False, fault, "Correct it in the environment or in .env; .env.example has them all.")
    if not faults:
        yield Step("Settings", True, f"{len(config.SETTINGS)} are valid")
    for name in config.unknown_names():
        yield Step(".env", False, f"{name} is no setting", "Correct or remove the line.")
    file = Path(".env")
    if file.is_file() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Step(".env", False, "others than its owner may use it", "chmod 600 .env")


def version_steps() -> Iterator[Step]:
    """Compare what is installed with what is pinned."""
    yield Step("Python", sys.version_info >= (3, 11), sys.version.split()[0], "Install Python 3.11 or newer.")
    file = ROOT / "requirements.txt"
    pinned = dict(PINNED.findall(file.read_text())) if file.is_file() else {}
    other = []
    for name, version in pinned.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = ""
        if found != version and (found or name in _DIRECT):
            other.append(f"{name} {found or 'is missing'}, not {version}")
    fix = "pip install --require-hashes -r requirements.txt"
    yield Step("Packages", not other, "; ".join(other) or f"{len(pinned)} as they are pinned", fix if other else None)


_DIRECT = {"flask", "flask-socketio", "python-socketio", "python-engineio", "gevent", "gunicorn", "paramiko", "redis"}
"Packages that are there on each platform; of others some are for one only."


def worker_step(environ: Mapping[str, str]) -> Step:
    """Look whether something overrides gunicorn.conf.py: only its worker knows the limits, and there must be one."""
    words = shlex.split(environ.get("GUNICORN_CMD_ARGS", ""))
    bad = [word for word in words if re.match(r"(-w|-k|--workers|--worker-class|--preload|--threads)\b", word)]
    if bad:
        return Step("Worker", False, f"GUNICORN_CMD_ARGS overrides {', '.join(bad)}", "Remove them: one is right.")
    text = (ROOT / "gunicorn.conf.py").read_text()
    right = f'worker_class = "{WORKER}"' in text and "workers = 1\n" in text and "preload_app = False" in text
    return Step(
        "Worker",
        right,
        f"one of {WORKER}" if right else "gunicorn.conf.py was changed",
        "git checkout gunicorn.conf.py",
    )


def patch_step() -> Step:
    """Look whether gevent's monkey patch was first."""
    missing = [name for name in ("socket", "ssl", "threading", "select", "time") if not monkey.is_module_patched(name)]
    found = f"not of {', '.join(missing)}" if missing else "all of Python's waiting is gevent's"
    return Step("Monkey patch", not missing, found, "Run it as flask --app wsgi doctor." if missing else None)


def files_step(limit: int) -> Step:
    """Look how many files may be open: a browser's socket is one."""
    if limit == resource.RLIM_INFINITY:
        return Step("Open files", True, "no limit")
    enough = limit >= FEW_FILES
    fix = None if enough else "LimitNOFILE=65536 in the unit, or ulimit -n 65536 before the start"
    return Step("Open files", enough, f"{limit} may be open, {int(limit * 0.75)} of them browsers", fix)


def memory_step(setting: int, there: int) -> Step:
    """Compare what browsers and nodes may take with what there is. Python takes some more than is counted."""
    wanted = setting or there // PART
    enough = wanted <= there * 0.7
    fix = None if enough else "Lower MEMORY_BUDGET, or leave it out: docs/operating.md has a table."
    return Step("Memory", enough, f"{wanted >> 20} MiB for browsers and nodes, of {there >> 20} MiB", fix)


def redis_steps(url: str) -> Iterator[Step]:
    """Ask Redis what it is, what we may do there, and what time it is."""
    client: Any = connect(url)
    try:
        client.ping()
    except (redis.RedisError, OSError) as problem:
        if (refuses := refusal_of(problem, "PING")) is not None:
            yield Step("Redis", False, f"refuses {refuses.refusal}", refuses.cure)
            return
        fix = "Check REDIS_URL, that Redis runs, and that a firewall lets this machine in."
        if "certificate" in str(problem).lower():
            fix = "Name its CA by ?ssl_ca_certs=/path in REDIS_URL; if it signs itself, ?ssl_cert_reqs=none."
        yield Step("Redis", False, f"does not answer ({type(problem).__name__})", fix)
        return
    try:
        yield from _redis_facts(client)
        yield _rights(client)
        yield _clock(client)
    except (redis.RedisError, OSError) as problem:
        yield Step("Redis", False, f"stopped answering ({type(problem).__name__})", "Look at its log.")
    finally:
        client.close()


def _redis_facts(client: Any) -> Iterator[Step]:
    try:
        facts = client.info()
    except redis.ResponseError:
        yield Step("Redis", True, "answers; what it is may not be asked")
        return
    name = "Valkey" if "valkey_version" in facts else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version", "?")
    master = facts.get("role") in ("master", None)
    fix = None if master else "Name the master in REDIS_URL: a replica takes no writes."
    yield Step("Redis", master, f"{name} {version}" + ("" if master else ", a replica"), fix)
    policy = facts.get("maxmemory_policy", "noeviction")
    bounded = facts.get("maxmemory", 0) > 0
    if bounded and policy not in ("noeviction", "volatile-ttl"):
        cure = "CONFIG SET maxmemory-policy noeviction: else people are signed out when memory is short."
        yield Step("Eviction", False, policy, cure)


def _clock(client: Any) -> Step:
    try:
        seconds, micros = client.time()
    except redis.ResponseError:
        return Step("Clock", None, "not compared: Redis may not be asked for its time")
    skew = abs(seconds + micros / 1e6 - time.time())
    cure = None if skew < SKEW else "Let both machines get their time by NTP: timedatectl set-ntp true"
    return Step("Clock", skew < SKEW, f"{skew:.1f} s from that of Redis", cure)


def _rights(client: Any) -> Step:
    """Do, with keys of our own, all that the server does."""
    key = f"ethpillar:doctor:{os.getpid()}"
    session = "ssh_session:00000000-0000-0000-0000-000000000000"
    script = "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]); return redis.call('GET', KEYS[1])"
    acts: dict[str, Callable[[], Any]] = {
        "EVAL, GET and SET of ethpillar:*": lambda: client.eval(script, 1, key, "1", "10"),
        "EXPIRE, TTL and DEL of ethpillar:*": lambda: (client.expire(key, 10), client.ttl(key), client.delete(key)),
        "STRLEN, GET and EXISTS of ssh_session:*": lambda: (
            client.strlen(session),
            client.get(session),
            client.exists(session),
        ),
        "EVAL on ssh_session:*": lambda: client.eval("return redis.call('GET', KEYS[1])", 1, session),
        "SCAN": lambda: client.scan(count=1),
    }
    refused = []
    for name, act in acts.items():
        try:
            act()
        except redis.ResponseError as problem:
            found = refusal_of(problem, "writes")
            if found is not None and not found.of_command:
                return Step("Rights in Redis", False, f"refuses {found.refusal}", found.cure)
            refused.append(name)
    if not refused:
        return Step("Rights in Redis", True, "all it needs")
    return Step("Rights in Redis", False, f"not allowed: {'; '.join(refused)}", "Allow them in the ACL of this user.")


def held_step(memory: Mapping[str, Any]) -> Step:
    """Say what the running server holds, and whether it had to give something back."""
    held = sum(memory["held"].values())
    most = sorted(memory["held"].items(), key=lambda each: -each[1])[:3]
    largest = ", ".join(f"{kind} {size >> 20}" for kind, size in most)
    found = f"{held >> 20} of {memory['budget'] >> 20} MiB held" + (f" ({largest})" if largest else "")
    if not memory["given_back"]:
        return Step("Memory held", True, found)
    fix = "Raise MEMORY_BUDGET if the machine has more; nothing is lost, but logs are read twice from the nodes."
    return Step("Memory held", None, f"{found}; {memory['given_back'] >> 20} MiB of recent lines were given back", fix)


def running_steps(settings: config.Settings) -> Iterator[Step]:
    """Ask the running server, if there is one, what it has seen of proxies."""
    if not settings.control_socket:
        yield Step("Running server", None, "not asked: CONTROL_SOCKET is not set")
        return
    try:
        seen = ask(settings.control_socket)
    except NotRunning as problem:
        yield Step("Running server", None, str(problem))
        return
    yield Step("Running server", True, f"ethpillar {seen['version']}, {len(seen['sessions'])} sessions")
    yield held_step(seen["memory"])
    refused = seen["refused"]
    if refused.get("forwarded"):
        fix = "Name the proxy in TRUSTED_PROXIES, or set TRUSTED_HOPS: docs/deploying.md."
        yield Step("Proxies", False, "a peer that is no known proxy sends X-Forwarded-For", fix)
    elif seen["unnamed"]:
        fix = "Let the proxy set X-Forwarded-For; without a proxy, TRUSTED_PROXIES=none."
        yield Step("Proxies", False, f"{seen['unnamed']} connections came by a proxy that named no client", fix)
    else:
        yield Step("Proxies", True, "each connection had a client's address")
