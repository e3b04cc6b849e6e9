"""Templates: lines that are like one before, but for their values.

A program prints the same message again and again, with other values. A template is that line's constant text and the
places of its values. A line that fits one needs no parsing, as it is known what its parts are.

Belongs here: what a template is, finding the one that a line fits, and when to make one. A format makes them, and
promises that its parser says the same of each line that fits, but for the values and the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, TypeVar

from .eth import PLAIN
from .line import Line

T = TypeVar("T")

LONGEST = 1024
"Characters of a line of which a template is made."
VALUES = 40
"Values of such a line."
VALUE = r"([!#-<>-\[\]-~]*+)"
"A value: printable ASCII without blanks, quotes, backslashes and `=`. It means nothing but itself to any format."
SEEN = 16
"How many lines of the same beginning are parsed before a template is made of one: to make one takes as long as that."
OF_BEGINNING = 4
"Templates of the same beginning. A program that leaves out what is empty has a few."
MOST = 64
"Beginnings that are known, and as many that are counted."
_BEGINNING = slice(34, 66)
"What of a line tells its message: before it are a level and a time, beyond it values."

_PLAIN = re.compile(r"[ -~]+")
_VALUE, _KEY = re.compile(VALUE), re.compile(r"[^\s=\"\\]+")


class Template:
    """The constant parts of lines."""

    def __init__(
        self, pattern: re.Pattern[bytes], line: Line, keys: Sequence[str], chain: Mapping[str, int] | None = None
    ) -> None:
        """
        :param pattern: what the lines match as a whole; its groups are the values
        :param line: one of the lines, parsed
        :param keys: the fields that have these values, in their order
        :param chain: the facts about the chain in the lines (see `formats.eth`), and which value has each
        """
        self.match = pattern.fullmatch
        "Returns the match of a line that fits, whose groups are the values; None if it does not fit."
        self.line = line
        "One of the lines, parsed. Of the others, all but the fields' values, `eth` and the time is the same."
        self.keys = keys
        "The fields whose values differ."
        self.chain = chain or {}
        "The facts about the chain in each line, and which value has each: it is one of `eth.PLAIN`."
        self._made: Any = None

    def once(self, make: Callable[[Template], T]) -> T:
        """Return what its reader makes of the template. It is made once."""
        if self._made is None:
            self._made = make(self)
        made: T = self._made
        return made


Like = tuple[Template, tuple[bytes, ...]]
"A template that a line fits, and its values."
Maker = Callable[[str, Line], Template | None]
"(text, line): the template of a line of a format, parsed by it; None if it has none."


class Templates:
    """The templates of one unit's lines."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[Template]] = {}
        self._seen: dict[bytes, int] = {}
        self._asked = False
        "True if anybody asked for the template of the line that is parsed next, and there was none."

    def find(self, message: bytes) -> Like | None:
        """Return the template that a line fits, with its values, if there is one."""
        for template in self._known.get(message[_BEGINNING], ()):
            if (found := template.match(message)) is not None:
                return template, found.groups()
        self._asked = True
        return None

    def learn(self, text: str, line: Line, make: Maker) -> None:
        """Take note of a line that was parsed, and make its template if there have been several like it."""
        if not self._asked:
            return
        self._asked = False
        beginning = text.encode("utf-8", "replace")[_BEGINNING]
        seen = self._seen.get(beginning, 0) + 1
        if seen == 1 and len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[beginning] = seen % SEEN
        known = self._known.get(beginning, [])
        if seen < SEEN or len(known) >= OF_BEGINNING or len(text) > LONGEST or not _PLAIN.fullmatch(text):
            return
        template = make(text, line)
        if template is not None:
            if not known and len(self._known) >= MOST:
                self._known.clear()
            self._known[beginning] = [*known, template]

    def clear(self) -> None:
        """Forget them: the lines have another format now."""
        self._known.clear()
        self._seen.clear()


def of_pairs(
    head: str, constant: str, rest: str, line: Line, meanings: Mapping[str, str], fixed: Set[str] = frozenset()
) -> Template | None:
    """Make the template of a line that ends with plain `key=value` pairs, each key once.

    :param head: the pattern of what comes before the constant text; it has no groups
    :param constant: the text between that and the pairs
    :param rest: the pairs
    :param line: the whole line, parsed
    :param meanings: the keys that say something about the chain, and what (see `formats.eth`)
    :param fixed: keys whose values are constant; so are values in quotes
    :return: None if it has other pairs or fields, or facts about the chain that are elsewhere
    """
    words, chain = rest.split(), dict[str, int]()
    if not 0 < len(words) <= VALUES or len(line.fields) != len(words) or not rest.isascii() or "\\" in rest:
        return None
    patterns, keys = list[str](), list[str]()
    for word, (key, value) in zip(words, line.fields.items(), strict=True):
        name = None if key in fixed else meanings.get(key)
        if name is not None and not re.fullmatch(PLAIN[name], value):
            return None
        if word == f"{key}={value}" and key not in fixed and _VALUE.fullmatch(value) and _KEY.fullmatch(key):
            if name is not None:
                chain.setdefault(name, len(keys))
            patterns.append(f"{re.escape(key)}={PLAIN.get(name or '', VALUE)}")
            keys.append(key)
        elif word in (f"{key}={value}", f'{key}="{value}"') and _KEY.fullmatch(key):
            patterns.append(re.escape(word))
        else:
            return None
    if chain.keys() != (line.eth or {}).keys():
        return None
    whole = f"{head}{re.escape(constant)}{' ++'.join(patterns)}"
    return Template(re.compile(whole.encode()), line, keys, chain)
