"""The values of reading a journal in steps."""

from ethpillar.journal.steps import HINT, Gap


def test_a_gap_that_damage_made_says_what_to_do() -> None:
    assert Gap(1, 2, "damaged").details() == {"reason": "damaged", "from_us": 1, "to_us": 2, "hint": HINT}
    assert "journalctl --verify" in HINT
