"""The nodes in use.

Belongs here: which node serves which session, for how long it outlives its last socket, and what is remembered of a
credential that a node refused. It must not know what happens on a node.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent
from gevent.pool import Group

from ..errors import (
    AccountExpired,
    BadKey,
    CredentialRefused,
    EthPillarError,
    SecondFactorRequired,
    SessionStoreDown,
    SshError,
    SshUnreachable,
    TooManyNodes,
    whereabouts,
)
from ..sessions import SessionRecord, SessionStore
from ..ssh.connection import Connection
from ..ssh.login import Login, LoginOptions
from ..turns import tenant
from .link_state import REFUSED_TRIES, REFUSED_WITHIN
from .listeners import NodeListener
from .node import Node, NodeOptions
from .sharing import Slot, gives_way
from .tally import Tally

log = logging.getLogger(__name__)

REMEMBERED: dict[type[SshError], float | None] = {
    CredentialRefused: None,
    SecondFactorRequired: None,
    BadKey: None,
    AccountExpired: REFUSED_WITHIN / REFUSED_TRIES,
}
"""Refusals that are remembered, and for how many seconds; None: for as long as a session lives. To try such a
credential again would only bring a ban nearer; an account may be made valid again."""
_REFUSALS = {kind.code: kind for kind in REMEMBERED}

OVER_KEPT = 5.0
"Seconds for which a node that is over stays the answer to everyone who asks. After that, asking tries it anew."
GIVEN_UP_KEPT = 600.0
"Seconds for which it is remembered that a node was given up, once nobody holds it."
CLOSE_TIMEOUT = 5.0
"Seconds that closing the registry waits for its nodes."


class NodeRegistry:
    """Owns every node: one for each session and its credentials.

    A node lives while somebody holds it, and `node_linger` seconds longer. Nodes are closed in greenlets of the
    registry's own: a caller that is stopped while it waits for that leaves no half-closed node behind.
    """

    def __init__(self, store: SessionStore, login_options: LoginOptions, node_options: NodeOptions) -> None:
        self._store = store
        self.login_options = login_options
        self._node_options = node_options
        self._nodes: dict[str, Node] = {}  # by the record's digest
        self._keys: dict[str, set[str]] = {}  # the digests of each token
        self._expiry: dict[str, gevent.Greenlet[..., None]] = {}  # of nodes that nobody holds, the longest first
        self._closing = Group()

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def tally(self) -> Tally:
        """What was read, sent and tried on all nodes."""
        return self._node_options.tally

    def nodes(self) -> list[Node]:
        """Return the nodes there are."""
        return list(self._nodes.values())

    def tokens(self) -> set[str]:
        """Return the tokens of the sessions that have a node."""
        return set(self._keys)

    def acquire(self, record: SessionRecord, holder: NodeListener) -> Node:
        """Return the node of a session, without connecting it. The holder hears about it until it is released.

        :raises TooManyNodes: there are as many nodes as there may be, and all of them are held
        """
        key = record.digest
        node = self._nodes.get(key)
        if node is None:
            self._make_room(record)
            node = self._nodes[key] = Node(record, self._login_of(record), self._node_options)
            self._keys.setdefault(record.token, set()).add(key)
        elif not node.over:  # asking again and again must not keep one that is over
            self._stop_expiry(key)
        node.listeners.add(holder)
        return node

    def _make_room(self, record: SessionRecord) -> None:
        if len(self._nodes) < self._node_options.max_nodes:
            return
        if self._expiry:
            self._remove(next(iter(self._expiry)))
            return
        now, keys = time.monotonic(), list(self._nodes)
        slots = [_slot(node, now) for node in self._nodes.values()]
        number = gives_way(slots, tenant()[:1], (record.target.host, record.target.port))
        if number is None:
            raise TooManyNodes
        self._give_up(self._nodes[keys[number]], keys[number])

    def _give_up(self, node: Node, key: str) -> None:
        """Close a node that others hold, because somebody who has fewer needs its slot."""
        log.info("Connection closed, others have fewer nodes", extra={"session": node.record.name})
        self._remove(key)
        node.listeners.lost(TooManyNodes())

    def release(self, node: Node, holder: NodeListener) -> None:
        """Let go of a node. Once nobody holds it, it is closed after a while."""
        node.listeners.discard(holder)
        key = node.record.digest
        if not node.listeners and self._nodes.get(key) is node and key not in self._expiry:
            linger = self._node_options.node_linger
            if node.over:
                linger = min(linger, OVER_KEPT)
            elif node.given_up:
                linger = GIVEN_UP_KEPT
            self._expiry[key] = gevent.spawn_later(linger, self._expire, key)

    def _expire(self, key: str) -> None:
        del self._expiry[key]  # first: this greenlet must not be killed by what follows
        node = self._nodes[key]
        if node.over or not node.listeners:
            self._remove(key)
            log.info("Connection closed, nobody watches", extra={"session": node.record.name})

    def end_session(self, token: str) -> None:
        """Close the nodes of a session that is gone, and wait for their end."""
        gevent.joinall([self._remove(key) for key in list(self._keys.get(token, ()))])

    def _stop_expiry(self, key: str) -> None:
        expiry = self._expiry.pop(key, None)
        if expiry is not None:
            expiry.kill(block=False)  # it has not begun: one that has is not in the table any more

    def _remove(self, key: str) -> gevent.Greenlet[[], None]:
        """Forget a node and close it; return the greenlet that does."""
        self._stop_expiry(key)
        node = self._nodes.pop(key)
        keys = self._keys[node.record.token]
        keys.discard(key)
        if not keys:
            del self._keys[node.record.token]
        return self._closing.spawn(node.close)

    def close(self) -> None:
        """Close every node, and wait for their end, though not for long."""
        for key in list(self._nodes):
            self._remove(key)
        self._closing.join(timeout=CLOSE_TIMEOUT)

    def _login_of(self, record: SessionRecord) -> Callable[[], Connection]:
        log_in = Login(record.target, self._store, self.login_options, self._store)

        def attempt() -> Connection:
            known = None
            try:
                known = self._store.refused(record)
                if known is not None:
                    raise _REFUSALS.get(known, CredentialRefused)()
                return log_in()
            except SshError as problem:
                if problem.code in _REFUSALS and known is None:
                    self._remember(record, problem)
                raise
            except EthPillarError:
                raise
            except Exception as problem:  # noqa: BLE001 (its text may be the peer's, and the node must go on trying)
                log.error("A login failed (%s)", whereabouts(problem), extra={"session": record.name})
                raise SshUnreachable from None

        return attempt

    def _remember(self, record: SessionRecord, problem: SshError) -> None:
        try:
            self._store.refuse(record, problem.code, REMEMBERED[_REFUSALS[problem.code]])
        except SessionStoreDown:
            log.warning("A refused login could not be noted", extra={"session": record.name})


def _slot(node: Node, now: float) -> Slot:
    target = node.record.target
    return Slot(node.client, (target.host, target.port), node.met, now - node.since)
