"""What can go wrong, what the page has to show in the end, and what the person can do about it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..system.conftest import EXECUTION
from .stage import Stage

Seen = dict[str, Any]
UNREACHABLE = "The node can't be reached over SSH at the moment. Trying again."
NOTHING = "Nothing: it comes back by itself."


def good(seen: Seen) -> bool:
    """All is well: in, no alert, green, lines."""
    cards = seen["cards"]
    return bool(
        seen["header"] == "Connected"
        and not seen["alert"]
        and isinstance(cards, dict)
        and cards.get("execution") == "Active"
        and "Imported" in seen["log"]
    )


def alert(text: str) -> Callable[[Seen], bool]:
    """Return whether the page's alert says this."""
    return lambda seen: text in seen["alert"]


def away(seen: Seen) -> bool:
    """The node is away, and nothing is green."""
    cards = seen["cards"]
    return UNREACHABLE in seen["alert"] and isinstance(cards, dict) and set(cards.values()) == {"Unknown"}


def ended(seen: Seen) -> bool:
    """The session has ended, and nothing is green."""
    return "Invalid or expired session" in seen["alert"] and set(seen["cards"].values()) == {"Unknown"}


def logs(text: str) -> Callable[[Seen], bool]:
    """Return whether the log view says this, instead of turning."""
    return lambda seen: text in seen["log"]


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong."""

    name: str
    title: str
    act: Callable[[Stage], None]
    end: Callable[[Seen], bool]
    "What the page shows in the end, while it lasts."
    can_do: str
    repair: Callable[[Stage], None] | None = None
    "Ends it; then all has to be well."
    reload: bool = False
    "Whether the person has to reload the page after that."
    first: bool = True
    "Whether all is well before; else it is so when the page opens."
    host: str = "127.0.0.1"
    silent: bool = False
    seconds: tuple[float, ...] = ()
    "For how long it lasts, in the table."
    slow: bool = False
    "In the table only: it takes long by its nature."
    rests: bool = False
    "Whether the page is refused, and must not open more than ten sockets in 20 seconds."
    pictured: int = 5
    "After which of the table's looks there is a picture."
    tries: int | None = None
    "How often the node's sshd may be tried in the short form."
    settings: dict[str, str] = field(default_factory=dict)


def cut(stage: Stage) -> None:
    """The node is away."""
    stage.proxy.refuse(True)
    stage.proxy.cut()


def mend(stage: Stage) -> None:
    """The node is back."""
    stage.proxy.refuse(False)


def new_key(stage: Stage) -> None:
    """The node has another host key."""
    stage.sshd.stop()
    stage.sshd.new_host_key()
    stage.sshd.new_host_key("rsa")
    stage.sshd.start()


def wrong_password(stage: Stage) -> None:
    """The session has another password."""
    stage.token = stage.session(password="wrong")


def forget_host(stage: Stage) -> None:
    """The operator runs `flask sessions forget-host`."""
    stage.world.store.delete(f"ethpillar:hostkey:[127.0.0.1]:{stage.proxy.port}")


def leave(stage: Stage) -> None:
    """The page that had the only place is closed."""
    stage.pages.pop(0).close()


def restart(stage: Stage) -> None:
    """The server is restarted, as systemd does it."""
    stage.server.terminate()
    stage.server.start()


def kill(stage: Stage) -> None:
    """The server dies, and is started."""
    stage.server.kill()
    stage.server.start()


def full(stage: Stage) -> None:
    """Another session has the only place."""
    stage.open(token=stage.session())
    stage.until(good, "the other one")


def forget(stage: Stage) -> None:
    """The session is gone: the dashboard, its time or `flask sessions revoke` ended it."""
    stage.world.store.delete(f"ssh_session:{stage.token}")


def expire(stage: Stage) -> None:
    """Redis ends the session."""
    stage.world.store.pexpire(f"ssh_session:{stage.token}", 1)


def unknown_token(stage: Stage) -> None:
    """The page has a token that Redis does not know."""
    forget(stage)


def renew(stage: Stage) -> None:
    """The dashboard writes the same session again."""
    stage.world.write_session(stage.token, port=stage.proxy.port)


def other_credentials(stage: Stage) -> None:
    """The dashboard writes another address for the token, and the page shows it again. The old one is gone."""
    stage.world.write_session(stage.token, port=stage.sshd.port)
    cut(stage)
    stage.page.eval("hooks.forEach(({ socket }) => socket.emit('authenticate', token))")
    stage.node.append(EXECUTION, "INFO [11-26|06:56:00.000] Imported by the other")


def no_rights(stage: Stage) -> None:
    """The user may not read the journal."""
    stage.node.set_access("none")


def freeze_redis(stage: Stage) -> None:
    """Redis does not answer."""
    stage.redis.signal(signal.SIGSTOP)


def thaw_redis(stage: Stage) -> None:
    """Redis answers again."""
    stage.redis.signal(signal.SIGCONT)


def sleep(stage: Stage) -> None:
    """The tab sleeps."""
    stage.page.do("lifecycle", state="frozen")


def wake(stage: Stage) -> None:
    """The tab wakes."""
    stage.page.do("lifecycle", state="active")


SIGN_IN = "Sign in again in the dashboard."
TROUBLES = (
    Trouble(
        "node-away", "The node is away", cut, away, "Nothing: the page goes on by itself when the node is back. "
        "If it stays away: look after the node's power and network.", mend, seconds=(2, 15, 60),
    ),
    Trouble(
        "node-away-at-first", "The node is away when the page opens", cut, away, "The same: what the page asked for "
        "begins when the node is there.", mend, first=False,
    ),
    Trouble(
        "password-wrong", "The node refuses the password", wrong_password,
        alert("The node refused the user name, password or key."), "Sign in again with the right password.",
        renew, first=False, rests=True, tries=1,
    ),
    Trouble(
        "key-changed", "The node has another host key", new_key, alert("SSH host key has changed"),
        "If the node was reinstalled: the operator runs `flask sessions forget-host`. If not: do not go on.",
        forget_host, rests=True, pictured=30,
    ),
    Trouble(
        "given-up", "The node is away for longer than `SSH_GIVE_UP`", cut,
        lambda seen: alert("The node can't be reached over SSH.")(seen) and seen["header"] != "Connected",
        "Nothing for a minute, while the page goes on trying; after that, reload it once the node is back.",
        mend, rests=True, pictured=30, settings={"SSH_GIVE_UP": "5"},
    ),
    Trouble(
        "redis-away", "Redis is away", freeze_redis, good,
        "Nothing: what is open goes on. Do not reload it: a new page has to wait for Redis.", thaw_redis,
    ),
    Trouble(
        "redis-away-at-first", "Redis is away when the page opens", freeze_redis,
        alert("Authentication error: Server error during validation."),
        "Reload the page in a minute; the operator looks after Redis.", thaw_redis, reload=True, first=False,
        pictured=30,
    ),
    Trouble("restarted", "The server is restarted", restart, good, NOTHING),
    Trouble("killed", "The server dies, and is started", kill, good, NOTHING),
    Trouble(
        "server-away", "The server is away", lambda stage: stage.server.kill(),
        lambda seen: seen["header"] != "Connected" and seen["alert"],
        "Reload the page: it gives up after five tries, about 17 seconds.",
        lambda stage: stage.server.start(), reload=True, seconds=(40,), slow=True, pictured=30,
    ),
    Trouble("logout", "The person logs out, or the session is revoked", forget, ended, SIGN_IN, renew, rests=True),
    Trouble("expiry", "The session expires", expire, ended, SIGN_IN, renew, rests=True),
    Trouble("renewal", "The session is renewed", renew, good, "Nothing."),
    Trouble(
        "other-credentials", "The session gets another address or password", other_credentials,
        lambda seen: good(seen) and "by the other" in seen["log"], "Nothing: the log begins again by itself.",
    ),
    Trouble(
        "unknown-token", "The token is unknown", unknown_token, alert("Invalid or expired"), SIGN_IN, renew,
        first=False, rests=True,
    ),
    Trouble(
        "wrong-origin", "FRONTEND_URL does not name the page's origin", lambda _: None, alert("websocket error"),
        "The operator finds `Refused origin ...` in the log, and adds it to FRONTEND_URL.",
        first=False, host="localhost", tries=0,
    ),
    Trouble(
        "no-rights", "The user may not read the journal", no_rights, logs("execution can't be read by this SSH user"),
        "On the node: `sudo usermod -aG systemd-journal $USER`, then sign in again.", first=False,
    ),
    Trouble(
        "silent-unit", "A service has printed nothing", lambda _: None, logs("No logs available for this service."),
        "Nothing: lines are shown as they come.", first=False, silent=True,
    ),
    Trouble(
        "server-full", "The server is full (`MAX_NODES`)", full, alert("watches as many nodes as it can"),
        "Try later; the operator raises MAX_NODES.", leave, first=False, rests=True, settings={"MAX_NODES": "1"},
    ),
    Trouble("sleep", "The tab sleeps", sleep, lambda seen: True, NOTHING, wake, seconds=(50,), slow=True, pictured=60),
)  # fmt: skip
