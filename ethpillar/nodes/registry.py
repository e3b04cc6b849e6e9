"""The nodes in use.

Belongs here: which node serves which session, for how long it outlives its last socket, and what is known about a
credential before it is tried. It must not know what happens on a node.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from ..errors import (
    BadKey,
    CredentialRefused,
    EthPillarError,
    LimitReached,
    SecondFactorRequired,
    SessionStoreDown,
    SshError,
    SshUnreachable,
    whereabouts,
)
from ..sessions import SessionRecord, SessionStore
from ..ssh.connection import Connection
from ..ssh.login import Login, LoginOptions
from .node import Node, NodeListener, NodeOptions

log = logging.getLogger(__name__)

_REFUSALS: dict[str, type[SshError]] = {kind.code: kind for kind in (CredentialRefused, SecondFactorRequired, BadKey)}
"What is remembered about a credential: trying it again would only bring a ban nearer. Nothing else is remembered."

OVER_KEPT = 5.0
"Seconds that a node which is over stays the answer to all who ask. After that they may find out whether it is cured."


class NodeRegistry:
    """Owns every node. One node for each session and its credentials."""

    def __init__(self, store: SessionStore, login_options: LoginOptions, node_options: NodeOptions) -> None:
        self._store = store
        self.login_options = login_options
        self._node_options = node_options
        self._nodes: dict[str, Node] = {}
        self._expiry: dict[str, gevent.Greenlet[..., None]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def tokens(self) -> set[str]:
        """The sessions whose nodes there are."""
        return {node.record.token for node in self._nodes.values()}

    def acquire(self, record: SessionRecord, holder: NodeListener) -> Node:
        """The node of a session, for a holder that is told about it until it lets go. Does not connect.

        Raises `LimitReached` when there are as many nodes as there may be, and all of them are held.
        """
        key = record.digest
        node = self._nodes.get(key)
        if node is None:
            self._make_room()
            node = self._nodes[key] = Node(record, self._login_of(record), self._node_options)
        elif key in self._expiry and not node.over:  # whoever asks again and again must not keep one that is over
            self._expiry.pop(key).kill()
        node.listeners.add(holder)
        return node

    def _make_room(self) -> None:
        if len(self._nodes) < self._node_options.max_nodes:
            return
        if not self._expiry:
            raise LimitReached("This server watches as many nodes as it can.", hint="Try again later.")
        key = next(iter(self._expiry))  # the one that nobody holds for longest
        self._expiry.pop(key).kill(block=False)
        gevent.spawn(self._nodes.pop(key).close)

    def release(self, node: Node, holder: NodeListener) -> None:
        """A holder lets go. The last one's going closes the node, a while later."""
        node.listeners.discard(holder)
        key = node.record.digest
        if not node.listeners and self._nodes.get(key) is node and key not in self._expiry:
            linger = self._node_options.node_linger
            if node.over:
                linger = min(linger, OVER_KEPT)
            self._expiry[key] = gevent.spawn_later(linger, self._expire, key)

    def _expire(self, key: str) -> None:
        self._expiry.pop(key, None)
        node = self._nodes.get(key)
        if node is not None and (node.over or not node.listeners):
            del self._nodes[key]
            node.close()
            log.info("Session %s: connection closed, nobody watches", node.record.name)

    def end_session(self, token: str) -> None:
        """Closes the nodes of a session that is gone, at once."""
        for key, node in list(self._nodes.items()):
            if node.record.token == token:
                self._close(key)

    def _close(self, key: str) -> None:
        expiry = self._expiry.pop(key, None)
        if expiry is not None:
            expiry.kill()
        # Several ends may come at once (SIGTERM twice, a session's end, a linger that is over): the first one closes.
        node = self._nodes.pop(key, None)
        if node is not None:
            node.close()

    def close(self) -> None:
        """Closes every node."""
        closing = [gevent.spawn(self._close, key) for key in list(self._nodes)]
        gevent.joinall(closing, timeout=5)

    def _login_of(self, record: SessionRecord) -> Callable[[], Connection]:
        log_in = Login(record.target, self._store, self.login_options)

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
                log.error("Session %s: a login failed (%s)", record.name, whereabouts(problem))
                raise SshUnreachable from None

        return attempt

    def _remember(self, record: SessionRecord, problem: EthPillarError) -> None:
        try:
            self._store.refuse(record, problem.code)
        except SessionStoreDown:
            log.warning("Session %s: a refused login could not be noted", record.name)
