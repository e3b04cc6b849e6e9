"""A message's bytes to lines of valid text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.journal.text import MOST_LINES, clean

ESC = "\x1b"


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("", [""]),
        ("\n", [""]),
        ("plain", ["plain"]),
        ("tab\there", ["tab\there"]),
        ("  indented", ["  indented"]),
        (f"{ESC}[32mINFO{ESC}[0m x", ["INFO x"]),
        (f"{ESC}[38;5;200mx{ESC}[48;2;1;2;3my{ESC}[m", ["xy"]),
        (f"{ESC}[4:3mcurly{ESC}[0m", ["curly"]),
        (f"{ESC}]8;;https://x.example{ESC}\\link{ESC}]8;;\x07!", ["link!"]),
        (f"{ESC}]0;title\x07text", ["text"]),
        (f"{ESC}[2J{ESC}[1;1H{ESC}[Ktext{ESC}[1A", ["text"]),
        (f"{ESC}(Btext{ESC}c{ESC}7{ESC}8", ["text"]),
        (f"{ESC}Pdcs{ESC}\\text", ["text"]),
        ("\x9b31mred\x9b0m", ["red"]),
        (f"lone {ESC}", ["lone "]),
        (f"{ESC}[mthe reset of the line before", ["the reset of the line before"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("10%\r20%\r30%", ["30%"]),
        ("done\r", ["done"]),
        ("bell\x07 and null\x00", ["bell and null"]),
        ("two\nlines", ["two", "lines"]),
        ("a\n\nb", ["a", "", "b"]),
        ("separators \u2028 \u2029 \x85 stay one line", ["separators <U+2028> <U+2029>  stay one line"]),
        ("paid \u202e000,1\u2069 \u200f", ["paid <U+202E>000,1<U+2069> <U+200F>"]),
        ("🦀 ünï", ["🦀 ünï"]),
    ],
)
def test_cleaning(printed: str, lines: list[str]) -> None:
    assert clean(printed.encode()) == lines


def test_invalid_utf_8_is_replaced() -> None:
    assert clean(b"a\xff\xfeb\xed\xa0\x80") == ["a\ufffd\ufffdb\ufffd\ufffd\ufffd"]


@given(st.binary())
def test_any_bytes_are_lines_of_valid_text(message: bytes) -> None:
    lines = clean(message)
    assert lines
    for line in lines:
        line.encode()
        assert not any(ord(character) < 32 and character != "\t" for character in line)
        assert "\x7f" not in line


@given(st.text(st.sampled_from("\x1b[]0;m\x07\\P_\x9b\r\nax("), max_size=200))
def test_escapes_in_any_order_leave_none(text: str) -> None:
    assert not any("\x1b" in line or "\x9b" in line for line in clean(text.encode()))


@pytest.mark.parametrize(
    "piece", [ESC, ESC + "[", ESC + "]", ESC + "P", ESC + "[1;", "\r", "\x9b", ESC + "(", ESC + "]8;;"]
)
def test_work_grows_with_length_only(piece: str) -> None:
    # A pattern that backtracks badly would not come back from a million characters.
    clean((piece * (1_000_000 // len(piece))).encode())


@pytest.mark.parametrize("begin", ["\x90", "\x98", "\x9d", "\x9e", "\x9f"])
def test_what_a_control_of_one_byte_encloses_is_no_text(begin: str) -> None:
    assert clean(f"a{begin}0;title\x9cb".encode()) == ["ab"]
    assert clean("a\x90b\x9c\x98c\x9c\x9ed\x9c\x9fe\x9cf".encode()) == ["af"]


def test_a_message_of_very_many_lines_has_the_rest_in_its_last_one() -> None:
    lines = clean("\n".join(map(str, range(MOST_LINES + 2))).encode())
    assert lines == [*map(str, range(MOST_LINES - 1)), f"{MOST_LINES - 1} {MOST_LINES} {MOST_LINES + 1}"]
