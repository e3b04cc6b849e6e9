"""What `flask node watch` does at its end."""

from __future__ import annotations

from typing import Any

import pytest

from ethpillar.cli.alarms import Alarms, Kind, Notice, Rules
from ethpillar.cli.watch import _Watch
from ethpillar.errors import SessionExpired


class Teller:
    """Remembers what was told and whether it was sent."""

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.sent: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        self.told.append(notice)

    def send(self) -> bool:
        self.sent += self.told
        return True

    def run(self) -> None:
        pass


def test_a_session_that_is_gone_is_the_last_thing_told() -> None:
    class Ended(_Watch):
        def _renew(self) -> None:
            raise SessionExpired("The session is gone: nobody watches this node any more.")

    teller: Any = Teller()
    node: Any = None
    with pytest.raises(SessionExpired):
        Ended(node, [], Alarms(Rules()), teller, "token").run()
    (notice,) = teller.sent
    assert (notice.kind, notice.over) == (Kind.BLIND, False)
    assert "nobody watches" in notice.text
