"""JSON for Socket.IO's own packets: orjson in the shape that python-socketio wants."""

from __future__ import annotations

from typing import Any

import orjson


class Json:
    """`dumps` and `loads` as the json module has them; what they are told about separators is orjson's way anyway."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """A value as JSON text."""
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """JSON text as a value. Raises ValueError; orjson also bounds its depth."""
        return orjson.loads(text)
