"""What the fuzz tests share: how many inputs each gets, and inputs that are likely to be trouble."""

from __future__ import annotations

import itertools
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))

fuzzed = settings(max_examples=EXAMPLES, deadline=None)
"For every fuzz test. What once found a bug is an explicit `@example` of it."

TEXT = st.text(max_size=60) | st.text(st.characters(codec=None), max_size=60)
"Text, with half surrogate pairs too."

NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from(
        [0, -1, 2**31, 2**63, 2**64, 10**400, -(10**400), 1e308, float("inf"), float("-inf"), float("nan")]
    )
)

ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
"Any value that JSON can hold, as Python's json module would read it."


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut at these places (modulo their number)."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(0, 5000), max_size=12)


def valid(text: str | None) -> bool:
    """Return True if a text can be written as UTF-8."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        return False
    return True
