"""What journalctl says of damage."""

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.complaint import begins_of_ignored, shows_damage
from ethpillar.journal.steps import Answer


@given(st.binary(max_size=300), st.integers(0, 2))
def test_no_complaint_is_too_strange(complaint: bytes, status: int) -> None:
    shows_damage(complaint, status, 5)
    begins_of_ignored(complaint)
    Answer((), status, complaint)


def test_which_files_journalctl_did_without() -> None:
    said = (
        b"Journal file /var/log/journal/a/system@%032x-%016x-%016x.journal corrupted, ignoring file.\n"
        b"Journal file /var/log/journal/a/system@%016x-%016x.journal~ is truncated, ignoring file.\n"
        b"Journal file /var/log/journal/a/system.journal corrupted, ignoring file.\n" % (1, 2, 300, 400, 5)
    )
    assert begins_of_ignored(said) == [(300, True), (400, False)]
