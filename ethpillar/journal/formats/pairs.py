"""Key-value pairs as loggers print them.

Belongs here: cutting a text into pairs, in the two ways that loggers have: values quoted where they need it (Go's
logfmt kin), and values printed as they are, where only brackets and quotes tell what belongs together (Rust, Java,
JavaScript). Every pattern here is possessive or anchored to what it stops at: the time taken is linear in the length.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import Any

MOST = 2000
"""How many pairs (or brackets, or words that are neither) are looked at. No logger prints as many; what pretends to be
a line with more of them has the rest in its last value, and takes no longer than milliseconds."""
_LONG = 4096
_TRIES = 100
_LONGEST_KEY = 200

_VALUE = r"(?:\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"(?!\S)|([^\s\"]*+)(?!\S))"
_QUOTED = re.compile(r"\s*+(?:([^\s=\"]++|\"[^\"\\]{1,60}+\")=" + _VALUE + r"|\S++)", re.DOTALL)
_BARE = re.compile(r"([^\s=]++)=(\S*+)|\S++")
_BLANKS_IN_KEYS = re.compile(
    r"\s*+(?:([^\s=\"](?:[^\s=\"]++| (?! )){0,20}+|\"[^\"\\]{1,60}+\")=" + _VALUE + r"|\S++)", re.DOTALL
)
_UNESCAPED = re.compile(
    r"(?<!\S)([\w./#-]++)=(?:\"([^\"]*(?:\"(?!\s++[\w./#-]++=|\s*+\Z)[^\"]*)*)(?:\"|\Z)"
    r"|((?:[^\s\"]\S*(?:\s+(?![\w./#-]+=)\S+)*)?))",
    re.DOTALL,
)


def quoted_pairs(text: str, *, blanks_in_keys: bool = False) -> tuple[str, dict[str, str]]:
    """Cut `key=value key="a value" "a key"=value` apart, as Go's loggers print them; escapes stay as printed.

    Where a value holds quotes that were not escaped, or blanks without quotes around them (Prysm, which prints lists
    and times so), it ends where another pair or the end follows. Returns what belongs to no pair (nothing, as a rule)
    and the pairs.

    :param blanks_in_keys: whether words between two pairs are the beginning of a key rather than the end of a value
    """
    if '"' not in text and (fields := _plain_pairs(text)) is not None:
        return "", fields
    rest = ""
    if '"' in text:
        pairs, rest = _all(_QUOTED, text.rstrip())
        fields = {key: quoted or bare for key, quoted, bare in pairs}
    else:
        pairs, rest = _all(_BARE, text)
        fields = dict(pairs)
    if "" in fields and blanks_in_keys:
        pairs, rest = _all(_BLANKS_IN_KEYS, text.rstrip())
        fields = {key: quoted or bare for key, quoted, bare in pairs}
    if "" in fields:  # something that is no pair: the quotes or the blanks are not what they seem
        return _unescaped_pairs(text)
    if len(fields) != len(pairs):
        fields = numbered([(each[0], each[1] or each[-1]) for each in pairs])
    if '"=' in text:
        fields = {key.strip('"'): value for key, value in fields.items()}
    return rest, fields


def _plain_pairs(text: str) -> dict[str, str] | None:
    """Return the fields of a text that is nothing but pairs, each key once, as most are; else None.

    No pattern is as fast; what it returns is what those would.
    """
    if len(text) >= _LONG:
        return None
    pairs = text.split()
    try:
        fields = dict([pair.split("=", 1) for pair in pairs])
    except ValueError:
        return None  # there is something that is no pair
    return fields if len(fields) == len(pairs) and "" not in fields else None


def _unescaped_pairs(text: str) -> tuple[str, dict[str, str]]:
    found = list(islice(_UNESCAPED.finditer(text), MOST))
    if not found:
        return text.strip(), {}
    edges = [*(each.start() for each in found), len(text)]
    pairs = []
    for each, end in zip(found, edges[1:], strict=True):
        between = text[
            each.end() : end
        ].strip()  # words after an empty value, or after quotes that are not what they seem
        value = each[2] or each[3] or ""
        pairs.append((each[1], f"{value} {between}".lstrip() if between else value))
    return text[: edges[0]].strip(), numbered(pairs)


def numbered(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Make fields of pairs of which some have the same key: the last has it, those before `key#1`, `key#2`."""
    fields: dict[str, str] = {}
    left = Counter(key for key, _ in pairs)
    total = dict(left)
    for key, value in pairs:
        left[key] -= 1
        fields[f"{key}#{total[key] - left[key]}" if left[key] else key] = value
    return fields


def joined(first: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Join the fields of two places; where a key is in both with two values, the second has it."""
    if first and more and not first.keys().isdisjoint(more):
        return numbered([*[pair for pair in first.items() if more.get(pair[0]) != pair[1]], *more.items()])
    return first | more


def _all(pattern: re.Pattern[str], text: str) -> tuple[list[Any], str]:
    if len(text) < _LONG:
        return pattern.findall(text), ""
    found = list(islice(pattern.finditer(text), MOST))
    return [match.groups("") for match in found], text[found[-1].end() :].strip() if found else text.strip()


def pairs_start(text: str) -> int:
    """Where the first `key=` outside of square brackets begins, in a text that begins with a message; else its end."""
    sign = text.find("=")
    for _ in range(_TRIES):
        if sign < 0:
            break
        start = text.rfind(" ", max(0, sign - _LONGEST_KEY), sign) + 1
        found = start > 0 or sign <= _LONGEST_KEY
        if (
            found
            and start < sign
            and text[start] not in "=\"'([{"
            and (text.find("[", 0, start) < 0 or text.count("[", 0, start) <= text.count("]", 0, start))
        ):
            return start
        sign = text.find("=", sign + 1)
    return len(text)


# Each alternative begins with a literal character: that lets the regex engine skip over everything else.
_SCAN = r"|\(|\[|\{|\)|\]|\}|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+(?:\"|\\?\Z)"
_AFTER = r" (?:(?<=[^\s,:;=] )|(?<=\w= )) *+"  # a value, which may be empty; `a = b` and `x: a=b` are a value's text
EQUALS = re.compile(_AFTER + r"([a-zA-Z_][\w.#/-]*+)=(?!=)" + _SCAN, re.DOTALL)
COMMA_EQUALS = re.compile(r" (?<=\S ) *+([a-zA-Z_][\w.#-]*+)=(?!=)" + _SCAN, re.DOTALL)
RUST = re.compile(_AFTER + r"((?:r#)?[a-z_][\w.]*+)=(?!=)" + _SCAN, re.DOTALL)
COLON = re.compile(r" (?<=[,\0] ) *+(\w[\w.-]*+): " + _SCAN, re.DOTALL)
COLON_TITLE = re.compile(
    r" (?:(?<=[,\0] )|(?<=\S )(?= )|(?<=\d )(?=V)) *+([A-Z]\w*+(?: \w++){0,2}): " + _SCAN, re.DOTALL
)
DASH_COLON = re.compile(r" (?:(?<=\0 )|(?<=\S ) *+- ) *+([a-z][\w-]*+): " + _SCAN, re.DOTALL)
"""What begins a pair: `key=` after a blank (Prysm), after a comma too (Lodestar), only if it is a Rust identifier;
`key: ` after a comma (Lighthouse), if it is a title (Teku, which has no comma before `Validator: `), after a dash
(Lodestar's notifier)."""

_BEGINNING = "\0 "  # cleaned text has no such character: so a pair at the beginning follows something, too


def open_pairs(text: str, key: re.Pattern[str]) -> tuple[str, dict[str, str]]:
    """Return the text before the first pair, and the pairs, of values printed as they are.

    A pair begins where `key` (one of the patterns above) matches outside of brackets and quotes. A bracket that is
    never closed encloses nothing.
    """
    text = _BEGINNING + text
    found: list[tuple[int, str, int]] = []
    depths: list[int] = []
    depth = 0
    for match in islice(key.finditer(text), MOST):
        start = match.start()
        character = text[start]
        if character == " ":
            found.append((start, match[1], match.end()))
            depths.append(depth)
        elif character in "([{":
            depth += 1
        elif character != '"' and depth:
            depth -= 1
            while depths and depths[-1] > depth:  # it was inside of what has just been closed
                depths.pop()
                found.pop()
    if not found:
        return text[2:], {}
    pairs: list[tuple[str, str]] = []
    end = len(text)
    for start, name, begin in reversed(found):
        pairs.append((name, unquoted(text[begin:end].strip(" ,"))))
        end = start
    pairs.reverse()
    fields = dict(pairs)
    return text[2:end], fields if len(fields) == len(pairs) else numbered(pairs)


def unquoted(value: str) -> str:
    """Return a value without the quotes around it."""
    if len(value) > 1 and value[0] == '"' and value[-1] == '"':
        return value[1:-1]
    return value
