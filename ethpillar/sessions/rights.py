"""What this server needs of Redis, so that an operator can give its user as few rights as possible."""

from __future__ import annotations

from collections.abc import Sequence

from .keys import ENDED, PREFIX, REFUSED_PREFIX, RENEW
from .redis_link import RedisLink, RedisRefuses

NEEDED = {
    "PING": "this server is not ready",
    "STRLEN": "nobody can sign in",
    "GET": "nobody can sign in",
    "EVAL": "nobody can sign in: it renews a session's life, and pins a node's host key, in one step",
    "SET": "a password that a node refused is tried again, which may get this server banned there",
    "EXISTS": "who signs out stays connected",
    "DEL": "sessions can't be revoked, and host keys not forgotten, on the command line",
    "TTL": "host keys can't be read, and sessions not listed",
    "EXPIRE": "host keys that an earlier version pinned are pinned for ever",
    "SCAN": "sessions can't be listed on the command line",
}
"The commands of Redis that are used, and what does not work without each."
OPTIONAL = {
    "ROLE": "on a replica that lags behind its master, sessions look as if they had ended",
    "PUBLISH": "a session that has ended stays connected to other instances for SESSION_CHECK_INTERVAL",
}
"The commands that may be refused, and what is worse without each."
PROBE = "probe"
"Instead of a token: no session has it."


def refusals(link: RedisLink) -> dict[str, str]:
    """Return the commands that Redis refuses, and what does not work without each.

    A key that it writes lives for a second.

    :raises RedisRefuses: it lets nobody in, or is in a state in which it does little
    :raises SessionStoreDown: it does not answer
    """
    session, own = PREFIX + PROBE, f"{REFUSED_PREFIX}{PROBE}"
    tries: dict[str, Sequence[Sequence[str]]] = {
        "PING": [["PING"]],
        "STRLEN": [["STRLEN", session]],
        "GET": [["GET", session], ["GET", own]],
        "EVAL": [
            ["EVAL", RENEW, "1", session, "", "", "1"],
            ["EVAL", "return 0", "1", own],
        ],
        "SET": [["SET", own, PROBE, "EX", "1"], ["SET", session, PROBE, "EX", "1", "XX"]],
        "EXISTS": [["EXISTS", session]],
        "DEL": [["DEL", session], ["DEL", own]],
        "TTL": [["TTL", session], ["TTL", own]],
        "EXPIRE": [["EXPIRE", own, "1"]],
        "SCAN": [["SCAN", "0", "MATCH", session, "COUNT", "1"]],
        "ROLE": [["ROLE"]],
        "PUBLISH": [["PUBLISH", ENDED, PROBE]],
    }
    found = {}
    for command, attempts in tries.items():
        for words in attempts:
            try:
                with link.asking() as client:
                    client.execute_command(*words)  # type: ignore[no-untyped-call]
            except RedisRefuses as problem:
                if not problem.of_command:
                    raise
                found[command] = (NEEDED | OPTIONAL)[command]
    return found
