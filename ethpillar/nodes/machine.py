"""A state that changes only as its table allows.

Belongs here: the one rule for every state machine of this room. Such a machine is an enum, whose values say what each
state means, and beside it a table of the states that may follow each state, as plain data that can be drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

S = TypeVar("S", bound=Enum)


class IllegalTransition(Exception):
    """A state was to follow one that it must not follow: a fault in our own code."""


class Machine(Generic[S]):
    """Holds a state to its table."""

    def __init__(self, first: S, table: Mapping[S, frozenset[S]]) -> None:
        """:param table: the states that may follow each state"""
        self.state = first
        self._table = table

    def to(self, state: S) -> None:
        """Change to a state; staying in the same one is always allowed.

        :raises IllegalTransition: the table does not allow it
        """
        if state is not self.state:
            if state not in self._table[self.state]:
                raise IllegalTransition(f"{type(state).__name__}: {self.state.name} -> {state.name}")
            self.state = state
