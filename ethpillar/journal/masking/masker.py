"""Stable names in the place of what tells who or where somebody is."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from . import patterns
from .words import WORDS

_NAME = re.compile(
    r"(?:ip|host|user|enr|enode|peer|validator|address|graffiti|email|token|secret|jwt|key|credentials|signature|fingerprint|mac|mnemonic)-\d+"
)
_CUT = re.compile(r"…|\.{2,3}|\*|_")
"Where a key is abbreviated."
_ABBREVIATED = frozenset(word[:4] for word in WORDS)
_FAMILIAR = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Masker:
    """Replaces what is private in log lines by names such as `ip-1` or `validator-3`.

    The same thing has the same name for as long as the masker lives, so that lines still fit together. What looks like
    a mnemonic, a key or a JWT never comes out. Loopback and unspecified addresses stay: every machine has them.

    >>> Masker().text("dial tcp 203.0.113.7:30303: connection refused")
    'dial tcp ip-1:30303: connection refused'
    """

    def __init__(self, hosts: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        """
        :param hosts: names or addresses of the node that are known, to be hidden wherever they stand
        :param users: the same of its users
        """
        self.counts: Counter[str] = Counter()
        "How often something of each kind was replaced."
        self._names: dict[tuple[str, str], str] = {}
        self._of_kind: Counter[str] = Counter()
        self._alike: dict[tuple[str, str], list[tuple[str, str]]] = {}  # by kind and first characters
        self._in_key = False
        self._known = self._patterns_of(hosts, "host") + self._patterns_of(users, "user")

    @staticmethod
    def _patterns_of(words: Iterable[str], kind: str) -> list[tuple[str, re.Pattern[str]]]:
        wanted = [word for word in words if len(word) > 1 and word.lower() not in patterns.NO_ONE | _FAMILIAR]
        return [(kind, re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])", re.IGNORECASE)) for word in wanted]

    def text(self, text: str) -> str:
        """Return a line with everything private replaced. Give the lines in their order: a PEM key has several."""
        text = patterns.WORDS_IN_A_ROW.sub(self._phrase, self._without_keys(text))  # other rules would tear it apart
        lower = text.lower()
        text = patterns.LISTED.sub(self._list, text)
        for rule in patterns.RULES:
            if not rule.hint or any(hint in lower for hint in rule.hint):
                text = self._replace(rule.kind, rule.pattern, text)
        text = patterns.URL_HOST.sub(self._host, text)
        text = self._addresses(text)
        text = patterns.NAMED_HOST.sub(self._host, text)
        text = patterns.BARE_HOST.sub(self._host, text)
        text = patterns.HOME.sub(lambda found: found["before"] + self._user(found["x"], patterns.ACCOUNTS), text)
        text = patterns.USER.sub(
            lambda found: found[0][: found.start("x") - found.start()] + self._user(found["x"]), text
        )
        for kind, pattern in self._known:
            text = pattern.sub(lambda found, kind=kind: self._name(kind, found[0].lower()), text)  # type: ignore[misc]
        return patterns.LONG_HEX.sub(self._hexadecimal, text)

    def field(self, key: str, value: str) -> str:
        """Return the value of a field that a parser has taken out of a line; its key tells what it is."""
        masked = self.text(f"{key}={value}")
        return masked[len(key) + 1 :] if masked.startswith(f"{key}=") else self.text(value)

    def fields(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return fields as `field` returns each. Keys stay: they are the client's words."""
        return {key: self.field(key, value) for key, value in fields.items()}

    # -- names

    def _name(self, kind: str, thing: str) -> str:
        self.counts[kind] += 1
        name = self._names.get((kind, thing)) or self._name_of_longer(kind, thing)
        if name is None:
            self._of_kind[kind] += 1
            name = f"{kind}-{self._of_kind[kind]}"
            if kind in ("validator", "peer"):
                self._alike.setdefault((kind, thing[:4]), []).append((thing, name))
        self._names[kind, thing] = name
        return name

    def _name_of_longer(self, kind: str, thing: str) -> str | None:
        """Return the name of a key of which this is an abbreviation, or which is one of this."""
        parts = _CUT.split(thing)
        if len(parts[0]) < 4 or thing.isdigit():
            return None
        for known, name in self._alike.get((kind, thing[:4]), ()):
            shorter, longer = sorted((_CUT.split(known), parts), key=lambda each: len(each[0]))
            begins = longer[0].startswith(shorter[0]) and (len(shorter[0]) >= 6 or len(shorter) > 1)
            if begins and (len(shorter) == 1 or longer[-1].endswith(shorter[-1])):
                return name
        return None

    def _list(self, found: re.Match[str]) -> str:
        def named(one: re.Match[str]) -> str:
            if one.string.endswith("validator-", 0, one.start()):  # it has its name already
                return one[0]
            return self._name("validator", one[0].lower().removeprefix("0x"))

        return found["before"] + patterns.LISTED_ONE.sub(named, found["x"])

    def _replace(self, kind: str, pattern: re.Pattern[str], text: str) -> str:
        part = "x" if "x" in pattern.groupindex else 0

        def named(found: re.Match[str]) -> str:
            thing = found[part]
            if not thing or _NAME.fullmatch(thing):
                return found[0]
            name = self._name(kind, thing.lower().removeprefix("0x"))
            begin, end = found.start(part) - found.start(), found.end(part) - found.start()
            return found[0][:begin] + name + found[0][end:]

        return pattern.sub(named, text)

    # -- what a pattern alone can't tell

    def _without_keys(self, text: str) -> str:
        """Hide a private key in PEM, which goes over several lines or stands in one with `\\n` in it."""
        if not self._in_key and "-----BEGIN" not in text:
            return text
        kept = []
        while text:
            if self._in_key:
                end = patterns.PEM_END.search(text)
                self._in_key = end is None
                text = "" if end is None else text[end.end() :]
                continue
            begin = patterns.PEM_BEGIN.search(text)
            if begin is None:
                kept.append(text)
                break
            kept += [text[: begin.start()], self._name("key", f"pem {self._of_kind['key']}")]
            self._in_key, text = True, text[begin.end() :]
        return "".join(kept) or "key-hidden"

    def _addresses(self, text: str) -> str:
        if text.count(":") >= 2:  # first: the end of one may be written as an IPv4 address
            text = patterns.IPV6.sub(self._address, text)
        if text.count(".") >= 3:
            text = patterns.IPV4.sub(self._address, text)
        return patterns.IPV4_IN_NAME.sub(lambda found: self._name("ip", found[0].replace("-", ".")), text)

    def _address(self, found: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(found[0])
        except ValueError:
            return found[0]
        if address.is_loopback or address.is_unspecified:
            return found[0]
        return self._name("ip", str(getattr(address, "ipv4_mapped", None) or address))

    def _host(self, found: re.Match[str]) -> str:
        host = found["x"]
        lower = host.lower().rstrip(".")
        ours = _NAME.fullmatch(lower) or lower in _FAMILIAR or lower in patterns.SOURCES or lower in patterns.NO_ONE
        if ours or patterns.IPV4.fullmatch(host) or lower.isdigit():
            return found[0] if not patterns.IPV4.fullmatch(host) else self._addresses(found[0])
        return found[0][: found.start("x") - found.start()] + self._name("host", lower)

    def _user(self, name: str, kept: frozenset[str] = patterns.NO_ONE) -> str:
        return name if name in kept or _NAME.fullmatch(name) else self._name("user", name)

    def _hexadecimal(self, found: re.Match[str]) -> str:
        """Long hexadecimal: a hash that everybody may see stays, anything else may be a key."""
        before = found.string[max(0, found.start() - 40) : found.start()]
        if patterns.HASH_WORD.search(before) or (found["zero"] and len(found["x"]) == 64):
            return found[0]
        return self._name("token", found["x"].lower())

    def _phrase(self, found: re.Match[str]) -> str:
        """Hide a run of words if nearly all of them are in the list, in full or by their first four letters."""
        words = re.findall(r"[a-z]{3,8}", found[0].lower())
        known = sum(word in WORDS or (len(word) == 4 and word in _ABBREVIATED) for word in words)
        return self._name("mnemonic", " ".join(words)) if known >= 0.7 * len(words) else found[0]
