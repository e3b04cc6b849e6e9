"""Every client's lines, taken apart. Pure: a text in, a `Line` out.

A module for each client (or family of clients that share a logger) has its grammar. A format is a function from a text
to a `Line`, or to None when the text is not of its kind; none of them raises, and each takes time linear in the length.
`catalogue` has the table of them, `parser` one unit's parser, `continuation` and `crash` the lines that have no format.
"""

from __future__ import annotations

from .catalogue import FORMATS
from .line import LEVELS, Line
from .parser import LONGEST, LineParser
from .templates import Like, Template

__all__ = ["FORMATS", "LEVELS", "LONGEST", "Like", "Line", "LineParser", "Template"]
