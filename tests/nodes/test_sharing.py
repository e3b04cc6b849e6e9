"""Who gives way when there are as many nodes as there may be."""

from __future__ import annotations

from collections import Counter

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
