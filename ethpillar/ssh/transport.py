"""paramiko's transport, made fit for a server that keeps many idle connections.

Belongs here: algorithms, wake-ups, and the sign of life. The rest of the project sees `Connection` only.
"""

from __future__ import annotations

import re
import select
import threading
import time
from collections import OrderedDict, deque
from functools import partial
from typing import Any

import paramiko
from gevent.event import Event
from gevent.monkey import get_original
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.kex_curve25519 import KexCurve25519
from paramiko.transport import ChannelMap

from ..timing import shielded
from .address import LiveSocket
from .bounds import CHANNEL_HANDLERS, BoundedPacketizer
from .window import FIRST, Window

_CHANNELS_REMEMBERED = 256
_ALGORITHM = re.compile(r"[A-Za-z0-9@._+-]{1,64}")
_NAMES_SHOWN = 20
_NO_MORE_METHODS = 14  # SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE


class _RecentChannels(OrderedDict[int, bool]):
    """paramiko remembers every channel number for as long as the connection lives; late packets need the last few."""

    def __setitem__(self, key: int, value: bool) -> None:
        super().__setitem__(key, value)
        if len(self) > _CHANNELS_REMEMBERED:
            self.popitem(last=False)


class _Channel(paramiko.Channel):
    """A channel whose window fits its reader."""

    window: Window

    def _check_add_window(self, n: int) -> int:
        """Return how many bytes more the node may send, now that so many were read."""
        with self.lock:
            if self.closed or self.eof_received or not self.active:
                return 0
            return self.window.read(n, time.monotonic())


class _Channels(ChannelMap):
    """Every channel that is opened, made fit for greenlets before anything can come on it.

    A `Condition` asks an ordinary lock whether it is held by trying to take it, and gevent lets others run when that
    fails: so paramiko's pipes were switched away from in the midst of what their locks protect, at each piece of data.
    A reader that was killed while it waited for such a lock then released somebody else's, which ended the connection.
    A reentrant lock knows its owner.
    """

    def put(self, chanid: int, chan: paramiko.Channel) -> None:
        chan.__class__ = _Channel
        chan.window = Window()
        chan.lock = threading.RLock()
        chan.out_buffer_cv = threading.Condition(chan.lock)
        for pipe in (chan.in_buffer, chan.in_stderr_buffer):
            pipe._lock = threading.RLock()
            pipe._cv = threading.Condition(pipe._lock)
        super().put(chanid, chan)


SMALL = 1024
"Bytes of a packet that a connection's buffer in the system has room for as long as it takes anything at all."
_poll: Any = get_original("select", "poll")
"The system's own, which looks and does not wait."

EXCHANGES, EXCHANGES_WITHIN = 12, 60.0
"So many key exchanges in so many seconds; sshd wants new keys after a gigabyte, we after half of one."


class NodeTransport(paramiko.Transport):
    """A client transport with modern algorithms only, no busy wake-ups, and an event that is set when it has ended.

    After `start_client` it may be asked what the node has said. `watch` keeps it alive, and returns when it has ended,
    which a silent node's does within `silence` and `answer_within` seconds.
    """

    _preferred_keys: tuple[str, ...]

    # paramiko wakes ten times a second to see whether it was closed. Under gevent closing the socket wakes it anyway,
    # and it looks whether a new key exchange is due at each packet, of which a keepalive brings one.
    _active_check_timeout = 60.0

    _channel_handler_table = CHANNEL_HANDLERS

    # No prime that a peer may choose, nor a large one: with 8192 bits an exchange is four seconds in which nobody else
    # gets a turn, and a peer may ask for another one at any time. Whatever has no elliptic curves has group 14.
    # curve25519 has two names; paramiko knows the older one, and some nodes offer RFC 8731's alone.
    _kex_info = {"curve25519-sha256": KexCurve25519, **paramiko.Transport._kex_info}
    _preferred_kex = (
        "curve25519-sha256",
        *(
            name
            for name in paramiko.Transport._preferred_kex
            if not name.startswith(("diffie-hellman-group-exchange", "diffie-hellman-group16"))
        ),
    )

    # AES-GCM first: authenticated, and the fastest here. No CBC, no SHA-1, no MD5.
    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes256-ctr",
        "aes192-ctr",
        "aes128-ctr",
    )
    _preferred_macs = (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    )

    def __init__(self, sock: LiveSocket, **options: Any) -> None:
        super().__init__(sock, packetizer_class=BoundedPacketizer, default_window_size=FIRST, **options)
        self.live_socket = sock
        self._channels = _Channels()
        self.channels_seen = _RecentChannels()
        self._offer: dict[str, Any] = {}
        self.ended = Event()
        "Set when the connection is gone, for whatever reason."
        self._exchanges: deque[float] = deque(maxlen=EXCHANGES)
        self._restless = False
        self.out_of_tries = False
        "True if the node ended it because of refused credentials: sshd's answer to the last of `MaxAuthTries`."

    @property
    def said(self) -> bytes:
        """Return what the node has said to people since the last credential was sent."""
        # `get_banner` has forgotten it when the node has hung up.
        return bytes(getattr(self.auth_handler, "banner", None) or b"")

    @property
    def said_first(self) -> str:
        """Return the first line of its greeting: any text."""
        first: str = self.packetizer.first_line
        return first

    def forget_login(self) -> None:
        """Let go of what only a login needs: the secrets, and what the node offered."""
        self._offer = {}
        handler = self.auth_handler
        if handler is not None:
            handler.password = handler.private_key = handler.interactive_handler = None

    def prefer_host_key(self, algorithms: tuple[str, ...]) -> None:
        """Ask for these host key algorithms before all others."""
        known = tuple(name for name in algorithms if name in self._preferred_keys)
        self._preferred_keys = known + tuple(name for name in self._preferred_keys if name not in known)

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        offer: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)
        self._offer = offer
        return offer

    def _negotiate_keys(self, m: paramiko.Message) -> None:
        """Exchange keys, as either side may ask for at any time. Each is work that nobody else has a turn during."""
        now = time.monotonic()
        if len(self._exchanges) == EXCHANGES and now - self._exchanges[0] < EXCHANGES_WITHIN:
            self._restless = True
            raise paramiko.SSHException("keys are exchanged too often")
        self._exchanges.append(now)
        super()._negotiate_keys(m)

    def was_restless(self) -> bool:
        """Return True if it was ended because the node asked for new keys again and again, or babbled."""
        return self._restless or bool(self.packetizer.babbled)

    def nothing_in_common(self) -> tuple[str, ...]:
        """Return, for each kind of algorithm of which the node has none that this server has, the names of both."""
        offer = self._offer
        kinds = (
            ("key exchange", "kex_algo_list", self._preferred_kex),
            ("host key", "server_key_algo_list", self._preferred_keys),
            ("cipher", "server_encrypt_algo_list", self._preferred_ciphers),
            ("MAC", "server_mac_algo_list", self._preferred_macs),
        )
        found: list[str] = []
        for kind, key, ours in kinds:
            theirs = [name for name in offer.get(key, ()) if _ALGORITHM.fullmatch(name)][:_NAMES_SHOWN]
            if key in offer and not set(theirs).intersection(ours):
                found += [f"{kind} of the node: {', '.join(theirs) or 'none'}", f"{kind} here: {', '.join(ours)}"]
        return tuple(found)

    def _parse_debug(self, message: paramiko.Message) -> None:
        """Ignore what is for a log: paramiko would look at each of its bytes in turn."""

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        reason, text = message.get_int(), message.get_text()
        self.out_of_tries = reason == _NO_MORE_METHODS or "authentication failures" in text

    def run(self) -> None:
        try:
            super().run()
        finally:
            self.ended.set()

    def close(self) -> None:
        super().close()
        self.sock.close()  # paramiko leaves it open when the transport was never active
        if not self.is_alive():
            self.ended.set()

    def _send_user_message(self, data: paramiko.Message) -> None:
        # A greenlet that is stopped in the midst of a write leaves half a packet behind, and no packet after that one
        # could be understood: the connection would be lost for everybody. What needs no waiting can't be stopped.
        if self._has_room(len(data.asbytes())):
            super()._send_user_message(data)
        else:
            shielded(partial(super()._send_user_message, data))

    def _has_room(self, size: int) -> bool:
        """Return True if so many bytes, and some more, are certain to be written without waiting for anything."""
        if size > SMALL or self.clear_to_send_lock.locked() or not self.clear_to_send.is_set():
            return False
        try:
            poll = _poll()
            poll.register(self.live_socket, select.POLLOUT)  # a third of the system's buffer is free
            return bool(poll.poll(0))
        except (OSError, ValueError):
            return False

    @property
    def heard(self) -> float:
        """`time.monotonic()` of the last bytes from the node."""
        return self.live_socket.heard

    def ask(self) -> None:
        """Ask the node for any answer at all; this waits for as long as it reads nothing, and is not to be stopped."""
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)  # sshd answers with a failure: an answer
        try:
            super()._send_user_message(message)
        except (EOFError, OSError, paramiko.SSHException):
            self.close()
