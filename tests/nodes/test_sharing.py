"""Who gives way when there are as many nodes as there may be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpillar.nodes.sharing import SILENT_FOR, Slot, gives_way

SLOTS = st.lists(
    st.builds(Slot, st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans(), st.floats(0, 100)), max_size=20
)


def test_nodes_that_let_nobody_in_cost_no_slot() -> None:
    tarpit = [Slot("bad", "tarpit", False, 1.0 + number) for number in range(20)]
    assert gives_way(tarpit, "good", "node") == 19
    assert gives_way(tarpit, "bad", "node") == 19  # behind the same proxy
    many_hosts = [Slot("bad", number, False, SILENT_FOR + 1) for number in range(20)]
    assert gives_way(many_hosts, "bad", "node") is not None


def test_a_client_with_many_nodes_gives_one_to_a_client_that_has_fewer() -> None:
    full = [Slot("bad", number, True, 100.0 - number) for number in range(19)]
    assert gives_way([Slot("good", "n", True, 500.0), *full], "other", "node") == 19
    assert gives_way(full, "bad", "node") is None


def test_equals_take_nothing_from_each_other() -> None:
    slots = [Slot(client, f"{client}{number}", True, 50.0) for client in "ab" for number in range(2)]
    assert gives_way(slots, "a", "new") is None
    assert gives_way(slots, "b", "new") is None
    assert gives_way([Slot("", "h", False, 0.1)] * 2, "", "h") is None


@pytest.mark.parametrize("has", range(5))
@pytest.mark.parametrize("wants", range(5))
def test_a_node_gives_way_to_one_who_will_have_fewer_all_the_same(has: int, wants: int) -> None:
    """By clients where the node is watched; by hosts where it has let nobody in yet."""
    watched = [*[Slot("many", number, True, 9.0) for number in range(has)], *[Slot("few", "z", True, 9.0)] * wants]
    number = gives_way(watched, "few", "new")
    assert number is None if has <= wants + 1 else watched[number or 0].client == "many"
    young = [*[Slot("a", "many", False, 0.1)] * has, *[Slot("a", "few", False, 0.1)] * wants]
    number = gives_way(young, "a", "few")
    assert number is None if has <= wants + 1 else young[number or 0].host == "many"


def test_of_a_client_s_nodes_the_newest_goes_if_it_is_watched_and_the_oldest_if_it_let_nobody_in() -> None:
    watched = [Slot("bad", "h", True, age) for age in (3.0, 1.0, 2.0)]
    assert gives_way(watched, "good", "new") == 1
    silent = [Slot("bad", "h", False, age) for age in (1.0, 3.0, 2.0)]
    assert gives_way(silent, "good", "new") == 1
    assert gives_way([watched[0], *silent, *watched[1:]], "good", "new") == 2  # before any that is watched


def test_a_node_that_let_nobody_in_has_its_time() -> None:
    for age, goes in ((SILENT_FOR, False), (SILENT_FOR + 0.1, True)):
        assert (gives_way([Slot("a", "h", False, age)], "a", "h") is not None) is goes


@given(SLOTS, st.sampled_from("abcd"), st.sampled_from("xyzq"))
def test_nobody_loses_a_node_that_is_watched_to_somebody_with_as_many(
    slots: list[Slot], client: str, host: str
) -> None:
    number = gives_way(slots, client, host)
    if number is None:
        return
    clients = Counter(each.client for each in slots)
    slot = slots[number]
    if slot.met:
        assert clients[slot.client] >= clients[client] + 2
        assert all(each.met or clients[each.client] <= clients[client] + 1 for each in slots)
