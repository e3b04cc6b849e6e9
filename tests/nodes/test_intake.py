"""How long the follower waits before what it has read goes into the ring."""

import pytest

from ethpillar.nodes.intake import GRACE, GRACE_EVERY, Grace


def test_grace_is_a_moment_now_and_then() -> None:
    grace = Grace()
    assert grace.left(100.0) == pytest.approx(GRACE)
    assert grace.left(100.0 + GRACE / 2) == pytest.approx(GRACE / 2)
    assert grace.left(100.0 + GRACE) <= 0
    assert grace.left(99.9 + GRACE_EVERY) < 0
    assert grace.left(100.0 + GRACE_EVERY) == pytest.approx(GRACE)
