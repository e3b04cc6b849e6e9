"""Once in a while for each key, and not too many keys."""

from ethpillar.limits.rarely import Rarely


def test_each_key_once_in_a_while() -> None:
    now = 0.0
    rarely = Rarely(60, 20, lambda: now)
    assert [rarely.may(key) for key in ("a", "a", "b", "a")] == [True, False, True, False]
    now = 59.9
    assert not rarely.may("a")
    now = 60.0
    assert [rarely.may(key) for key in ("a", "b", "a")] == [True, True, False]


def test_each_key_has_its_own_time() -> None:
    now = 0.0
    rarely = Rarely(60, 20, lambda: now)
    assert rarely.may("early")
    now = 30.0
    assert rarely.may("late")
    now = 60.0
    assert not rarely.may("late")
    assert rarely.may("early")


def test_only_so_many_keys_in_that_time() -> None:
    now = 0.0
    rarely = Rarely(60, 3, lambda: now)
    assert sum(rarely.may(number) for number in range(1000)) == 3
    now = 60.0
    assert sum(rarely.may(number) for number in range(1000)) == 3
