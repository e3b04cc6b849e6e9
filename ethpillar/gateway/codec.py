"""Socket.IO's own packets: their JSON, by orjson in the shape that python-socketio wants, and what they may be."""

from __future__ import annotations

import re
from typing import Any

import orjson
from socketio.packet import EVENT
from socketio.packet import Packet as SocketIoPacket


class Json:
    """`dumps` and `loads` as in the json module; the separators that they are given are those of orjson anyway."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """Return a value as JSON text."""
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """Return the value of a JSON text. Raises ValueError; orjson also bounds its depth.

        Half a surrogate pair, which JavaScript's strings may hold and orjson refuses, becomes U+FFFD: the client
        then hears what is wrong with the text, instead of nothing.
        """
        try:
            return orjson.loads(text)
        except ValueError:
            if not isinstance(text, str) or "\\ud" not in text.lower():
                raise
            return orjson.loads(_ESCAPE.sub(lambda found: found[1] or "\\ufffd", text))


_ESCAPE = re.compile(
    r"(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\(?!ud[89a-f]).)|\\ud[89a-f][0-9a-f]{2}", re.IGNORECASE
)
"Any escape in JSON; its first group is empty when it is half a pair."


OVERSIZED = "oversized"
"The event that stands for a message that was too large: the gateway answers it with an `error`."
OVERSIZED_PACKET = f'42["{OVERSIZED}"]'

NOT_EVENTS = frozenset({"connect", "disconnect", "*"})
"Names under which the server keeps handlers that a client must not call."


KINDS = frozenset("01234")
"""The first characters of packets that are understood: all of Socket.IO's but those that announce attachments.

Compared as they are: for `int()`, which Socket.IO asks, the full-width five is a five too.
"""


class Packet(SocketIoPacket):
    """A Socket.IO packet whose event, if it is one, is a list that begins with a name.

    Socket.IO takes whatever is there for the name, calls the handler of `connect` when it is called that, and fails
    with the client's text in the log when it is a list; and drops in silence what it cannot read, such as an object
    that is nested too deep. Here all of that becomes an event that does not exist.

    Nothing in our protocol is binary, so no packet has attachments: Socket.IO would hold whatever comes next, without
    a bound, until it has as many as were announced.
    """

    data: Any

    def decode(self, text: Any) -> Any:
        """Decode as the base class does. Raises ValueError."""
        if not isinstance(text, str) or text[:1] not in KINDS:
            raise ValueError("no packet of a kind that is understood")
        try:
            super().decode(text)
        except ValueError:
            if text[0] != str(EVENT):
                raise
            self.data = None
        if self.packet_type == EVENT:
            data = self.data if isinstance(self.data, list) and self.data else [""]
            known = isinstance(data[0], str) and data[0] not in NOT_EVENTS
            self.data = data if known else ["", *data[1:]]
        return 0
