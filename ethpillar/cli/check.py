"""The way from a token to a node's logs, one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import click

from ..errors import EthPillarError, HostKeyChanged, LogElsewhere, SessionStoreDown, SshError, SshOutdated
from ..nodes.node import Node
from ..server import Server
from ..sessions import SessionRecord
from ..sessions.redis_link import RedisRefuses
from ..sessions.rights import OPTIONAL
from ..ssh import access
from ..units import CORE_UNITS, UnitStatus, service_name
from .common import Step, find_session, sentence


class _Silent:
    """Tells nobody: a check that breaks says so itself."""

    def connection_state(self, state: str, details: dict[str, object]) -> None: ...

    def node_away(self) -> None: ...

    def node_back(self) -> None: ...

    def node_lost(self, error: EthPillarError) -> None: ...


def checks(server: Server, token: str) -> Iterator[Step]:
    """Redis, session, TCP, host key, login, journal access, each unit. Stops where nothing further can be found out."""
    redis = _redis_step(server)
    yield redis
    if redis.ok is False:
        return
    try:
        record = find_session(token)
    except click.ClickException:
        fault = server.store.fault(token)
        found = "there is none" if fault is None else f"there is one, and not valid: {fault}"
        yield Step("Session", False, found, "Sign in again in the dashboard.")
        return
    yield Step("Session", True, f"{record.name} for {record.target.username}@{record.target.host}:{record.target.port}")
    yield from _node_steps(server, record)


def _redis_step(server: Server) -> Step:
    try:
        refusals = server.store.refusals()
    except RedisRefuses as problem:
        return Step("Redis", False, f"refuses {problem.refusal}", problem.cure)
    except SessionStoreDown:
        return Step("Redis", False, "does not answer", "Check REDIS_URL and that redis-server runs.")
    if not refusals:
        return Step("Redis", True, "answers")
    details = tuple(f"without {command} {consequence}" for command, consequence in refusals.items())
    ok = None if all(command in OPTIONAL for command in refusals) else False
    fix = "docs/deploying.md has the ACL line that is enough; a proxy must pass these commands on."
    return Step("Redis", ok, f"answers, and refuses {', '.join(refusals)}", fix, details)


def _node_steps(server: Server, record: SessionRecord) -> Iterator[Step]:
    try:
        server.registry.login_options.connect(record.target.host, record.target.port).close()
    except EthPillarError as problem:
        yield Step("TCP", False, problem.message, problem.hint)
        return
    yield Step("TCP", True, "connects")
    listener = _Silent()
    node = server.registry.acquire(record, listener)
    try:
        node.reach()
        yield Step("Host key", True, _pin(server, record))
        yield Step("Login", True, "accepted")
        yield from _access_steps(node)
    except HostKeyChanged as problem:
        yield Step("Host key", False, problem.message, problem.hint)
    except SshError as problem:
        details = problem.lists if isinstance(problem, SshOutdated) else ()
        yield Step("Login", False, problem.message, problem.hint, details)
    except EthPillarError as problem:
        yield Step("Node", False, sentence(problem), problem.hint)
    finally:
        server.registry.release(node, listener)
        server.registry.close()


def _pin(server: Server, record: SessionRecord) -> str:
    target = record.target
    if target.host_key:
        return f"{target.host_key} (the session's own)"
    return f"{server.store.host_key(target.host, target.port)} (pinned)"


def _access_steps(node: Node) -> Iterator[Step]:
    yield _journal_step(node)
    units = list(node.status.get(0.0).units.values())
    for status in units:
        if status.installed:
            yield _unit_step(status, node.last_lines)
    missing = [service_name(status.unit) for status in units if not status.installed]
    if missing:
        yield Step("Not installed", None, ", ".join(missing))


def _journal_step(node: Node) -> Step:
    try:
        way = access.find(node.run, node.record.target.password)
    except access.JournalBroken as problem:
        return Step("Journal", False, problem.message, problem.hint)
    if way is None:
        fix = "On the node: sudo usermod -aG systemd-journal $USER, then sign in again."
        return Step("Journal", False, "this user may not read it", fix)
    node.source.boot()
    if node.journal_drops is not None:
        off = LogElsewhere("", node.journal_drops)
        return Step("Journal", False, "readable, and what services print does not get into it", off.hint)
    return Step("Journal", True, "readable" + (f" with {way.prefix[0]} {way.prefix[1]}" if way.prefix else ""))


def _unit_step(status: UnitStatus, last_lines: Callable[[str], Sequence[str]]) -> Step:
    service = service_name(status.unit)
    if status.status == "active" and status.output is not None:
        elsewhere = LogElsewhere(service, status.output)
        return Step(service, False, f"active ({status.sub_state}). {elsewhere.message}", elsewhere.hint)
    if status.status == "active":
        return Step(service, True, f"active ({status.sub_state})")
    result = f"{status.status} ({status.sub_state}, result {status.result}, exit status {status.exit_status})"
    fix = f"On the node: sudo systemctl start {service}"
    if status.status == "failed":
        said = status.last_lines or last_lines(status.unit)
        result += f"; it said last: {said[-1]}" if said else ""
        fix = f"flask node why TOKEN {service} has the rest. Restart it once the reason is gone."
    core = service in CORE_UNITS or status.status == "failed"
    return Step(service, False if core else None, result, fix if core else None)
