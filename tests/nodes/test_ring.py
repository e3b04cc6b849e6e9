"""The ring: contiguous, bounded, and a cursor is found again."""

from hypothesis import given
from hypothesis import strategies as st

from ethpillar.nodes.ring import Item, Ring, cursor_time, gap_between


def item(number: int, size: int = 10) -> Item:
    return Item(f"c{number}", number, ("x" * size,))


def test_it_forgets_the_oldest() -> None:
    ring = Ring(3, 10**6)
    for number in range(5):
        ring.append(item(number))
    assert (ring.start, ring.end, len(ring)) == (2, 5, 3)
    assert [each.cursor for each in ring.slice(2, 10)] == ["c2", "c3", "c4"]
    assert ring.after("c1") is None
    assert ring.after("c2") == 3
    assert ring.after("c4") == 5


def test_bytes_are_bounded_too_but_one_item_is_always_kept() -> None:
    ring = Ring(100, 5000)
    for number in range(10):
        ring.append(item(number, 1000))
    assert len(ring) == 3
    ring.append(item(10, 10**6))
    assert len(ring) == 1


def test_a_gap_is_delivered_to_whoever_resumes_before_it() -> None:
    ring = Ring(10, 10**6)
    ring.append(item(0))
    ring.append(Item("c0", 0, (), gap_between(0, 5)))
    ring.append(item(1))
    assert ring.after("c0") == 1


def test_complete_until_something_is_forgotten() -> None:
    ring = Ring(2, 10**6)
    ring.complete = True
    ring.append(item(0))
    ring.append(item(1))
    assert ring.complete
    ring.append(item(2))
    assert not ring.complete


def test_the_time_in_a_cursor() -> None:
    assert cursor_time("s=0a;i=1;b=2;m=3;t=5f5e100;x=4") == 100_000_000
    assert cursor_time("whatever") is None


@given(st.integers(1, 8), st.integers(500, 5000), st.lists(st.integers(0, 900), max_size=40), st.data())
def test_against_a_list(entries: int, size: int, sizes: list[int], data: st.DataObject) -> None:
    ring = Ring(entries, size)
    every: list[Item] = []
    for number, length in enumerate(sizes):
        new = item(number, length)
        would = ring.would_forget([new])
        ring.append(new)
        every.append(new)
        if len(ring) > 1:
            assert ring.start == would
        assert ring.end == len(every)
        assert ring.slice(ring.start, 10**6) == every[ring.start :]
        assert len(ring) <= entries
    if every:
        start = data.draw(st.integers(ring.start, ring.end))
        count = data.draw(st.integers(0, 10))
        assert ring.slice(start, count) == every[start : start + count]
        for number, each in enumerate(every):
            assert ring.after(each.cursor) == (number + 1 if number >= ring.start else None)
