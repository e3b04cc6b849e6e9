"""The patterns of what has to be hidden.

Belongs here: one rule for each kind of thing, in the order in which they apply: what holds other things (an ENR holds an
address, a URL a host) comes first. Each pattern can be matched in one way only, so that a hostile line takes linear time.
Where a rule has a group called `x`, only that part is replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing to hide."""

    kind: str
    "Names are made of it: `ip-1`."
    pattern: re.Pattern[str]
    hint: tuple[str, ...] = ()
    "The pattern is tried only in a text that has one of these, in lower case. None: always."


_HEX = "0-9a-fA-F"
_SECRET_WORD = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|api[_-]?keys?|apikey|access[_-]?keys?|auth(?:orization)?|bearer|credentials?"
    r"|priv(?:ate)?[_-]?keys?|privkey|secret[_-]?keys?|signing[_-]?keys?|jwt(?:[_-]?secret)?(?:[_-]?hex)?|seed|mnemonic|entropy"
    r"|node[_-]?key(?:hex)?|cookie|session(?:[_-]?id)?|webhook)"
)
_END = rf"(?![{_HEX}])"
_BEGIN = rf"(?<![{_HEX}xX])"
_QUOTES = r"""\\?["']?"""
_IS = rf"{_QUOTES}(?:\s?[=:]\s?|\s)(?:Some\()?{_QUOTES}"

RULES: tuple[Rule, ...] = (
    Rule("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+){1,4}"), ("eyj",)),
    Rule("fingerprint", re.compile(r"\bSHA256:[A-Za-z0-9+/]{20,}+=?|\bMD5(?::[0-9a-f]{2}){16}\b"), ("sha256:", "md5:")),
    Rule(
        "key",
        re.compile(
            r"\b(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9@.-]{1,40}) (?P<x>AAAA[A-Za-z0-9+/]++={0,2})"
        ),
        ("ssh-", "ecdsa-", "sk-"),
    ),
    Rule("key", re.compile(r"\b[xyz]prv[1-9A-HJ-NP-Za-km-z]{50,}+"), ("prv",)),
    Rule(
        "enr",
        re.compile(r"\benr:(?:-?[A-Za-z0-9_-]{6,}+|…|\.\.\.)[A-Za-z0-9_…-]*+(?:\.\.\.[A-Za-z0-9_-]++)?"),
        ("enr:",),
    ),
    Rule(
        "enode",
        re.compile(rf"\benode://[{_HEX}.…]++(?:@[^\s\"'\],)}}]++)?"),
        ("enode:",),
    ),
    # Credentials and keys in URLs: user:password@, keys in a path (RPC providers, webhooks, bots), keys in a query.
    Rule("credentials", re.compile(r"(?<=://)(?P<x>[^\s/@\"'?#]++)(?=@)"), ("://",)),
    Rule(
        "token",
        re.compile(
            r"://[^\s/\"'?#]++(?:/[A-Za-z0-9._~:-]{0,19}(?![A-Za-z0-9._~:-])){0,8}+/"
            r"(?P<x>(?=[A-Za-z_.~:-]*+\d)[A-Za-z0-9._~:-]{20,}+(?:/[A-Za-z0-9._~:-]{8,}+){0,8}+)(?!\.git|\.tar)"
        ),
        ("://",),
    ),
    Rule(
        "token",
        re.compile(r"/(?:services|webhooks)/(?P<x>[^\s\"'?#<>]{6,}+)", re.IGNORECASE),
        ("/services/", "/webhooks/"),
    ),
    Rule("token", re.compile(r"\bbot(?P<x>\d{6,}+:[A-Za-z0-9_-]{20,}+)"), ("bot",)),
    Rule(
        "token",
        re.compile(rf"[?&](?:[A-Za-z_-]*?{_SECRET_WORD}|key|sig|signature|code)=(?P<x>[^\s&\"'#]++)", re.IGNORECASE),
        ("?", "&"),
    ),
    Rule(
        "token", re.compile(r"\b(?:Bearer|Basic)\s++(?P<x>[A-Za-z0-9._~+/=-]{6,}+)", re.IGNORECASE), ("bearer", "basic")
    ),
    Rule(
        "secret",
        re.compile(
            rf"\b[A-Za-z]*[_-]?{_SECRET_WORD}{_QUOTES}\s?[=:]\s?(?:Some\()?{_QUOTES}"
            r"(?P<x>(?!(?:none|null|nil|true|false|<|\[|\{|\*+\s|/|\./|~/|[a-z]++-\d++\b|ok\b|missing\b|invalid\b|not\b|unknown\b|the\b)"
            r")[^\s\"',;)\]}]{3,}+)",
            re.IGNORECASE,
        ),
        (
            "pass",
            "pwd",
            "secret",
            "token",
            "key",
            "auth",
            "bearer",
            "credential",
            "jwt",
            "seed",
            "mnemonic",
            "entropy",
            "cookie",
            "session",
            "webhook",
        ),
    ),
    Rule(
        "secret",
        re.compile(rf"\b{_SECRET_WORD}\b[^\n]{{0,24}}?\b(?P<x>(?:0x)?[{_HEX}]{{64}}){_END}", re.IGNORECASE),
        ("pass", "secret", "token", "key", "jwt", "seed", "entropy", "priv"),
    ),
    Rule("signature", re.compile(rf"{_BEGIN}(?:0x)?[{_HEX}]{{130,}}+{_END}")),
    Rule("validator", re.compile(rf"{_BEGIN}(?:0x)?[{_HEX}]{{96}}{_END}")),
    Rule(
        "validator",
        re.compile(
            rf"\b(?:validator[ _]?)?(?:(?:pub|public|voting|bls|share)[ _-]?)+key[s]?{_IS}\[?"
            rf"(?P<x>(?:0x)?[{_HEX}]{{4,}}+(?:(?:…|\.\.\.?|_)[{_HEX}]*+)?)(?![A-Za-z0-9_-])",
            re.IGNORECASE,
        ),
        ("key",),
    ),
    Rule(
        "validator",
        re.compile(
            rf"\b(?:validators?|proposer)[_ ]?(?:ind(?:ex|ices)|ids?|idx)?{_IS}"
            rf"(?P<x>(?:0x)?(?=[{_HEX}…]*?[\d])[{_HEX}]{{6,}}+(?:…[{_HEX}]*+|\.\.\.[{_HEX}]*+)?|(?:0x)?[{_HEX}]{{4,}}+(?:…|\.\.\.)[{_HEX}]*+)(?:@\d++)?(?![\w.:/-])",
            re.IGNORECASE,
        ),
        ("validator", "proposer"),
    ),
    Rule(
        "validator",
        re.compile(
            rf"\b(?:validator|proposer|val|attester|aggregator)[ _]?(?:index|idx|id)?(?:{_IS}|\s#?|/)\[?(?P<x>\d++)(?![\w.:%/-])"
            r"(?! ?(?:validators?|of\b|clients?|keys?|ms\b|s\b))",
            re.IGNORECASE,
        ),
        ("validator", "proposer", "val", "attester", "aggregator"),
    ),
    Rule(
        "peer",
        re.compile(
            r"\b(?:16Uiu2HA|12D3KooW|Qm)(?:[1-9A-HJ-NP-Za-km-z]{20,}+|[1-9A-HJ-NP-Za-km-z]*(?:…|\.{2,3})[1-9A-HJ-NP-Za-km-z]*)"
        ),
    ),
    Rule(
        "peer",
        re.compile(r"\b(?:16U|12D|16Uiu2HA\w{0,40}|12D3KooW\w{0,40})(?:\*|…|\.{2,3})[1-9A-HJ-NP-Za-km-z]{3,}+"),
        ("16u", "12d"),
    ),
    Rule(
        "peer",
        re.compile(
            rf"\b(?:peer|peer[_ ]?id|node[_ ]?id|remote|enode|conn|id){_IS}"
            rf"(?P<x>(?:0x)?[{_HEX}]{{8,}}+(?:(?:…|\.\.\.?)[{_HEX}]*+)?)(?![\w-])",
            re.IGNORECASE,
        ),
        ("peer", "node", "remote", "conn", "id"),
    ),
    Rule("address", re.compile(rf"{_BEGIN}0x[{_HEX}]{{40}}{_END}")),
    Rule(
        "address",
        re.compile(
            rf"\b(?:fee[ _-]?recipient|coinbase|etherbase|beneficiary|withdrawal[ _]?(?:address|credentials)|suggested[ _]?fee[ _]?recipient){_IS}"
            rf"(?P<x>(?:0x)?[{_HEX}]{{4,}}+(?:(?:…|\.\.\.?)[{_HEX}]*+)?)(?![\w-])",
            re.IGNORECASE,
        ),
        ("recipient", "coinbase", "etherbase", "beneficiary", "withdrawal"),
    ),
    Rule(
        "graffiti",
        re.compile(r"\bgraffiti\\?[\"']?\s?[=:]\s?(?:Some\()?\\?[\"'](?P<x>[^\"'\\]++)", re.IGNORECASE),
        ("graffiti",),
    ),
    Rule(
        "graffiti",
        re.compile(r"\bgraffiti[=:]\s?(?P<x>(?![\"'\[({<]|None|null)[^\s\"',;)]++)", re.IGNORECASE),
        ("graffiti",),
    ),
    Rule(
        "email",
        re.compile(
            r"(?<![\w.%+/-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b"
        ),
        ("@",),
    ),
    Rule("token", re.compile(rf"\b[{_HEX}]{{8}}-[{_HEX}]{{4}}-[{_HEX}]{{4}}-[{_HEX}]{{4}}-[{_HEX}]{{12}}\b")),
    Rule("mac", re.compile(rf"\b[{_HEX}]{{2}}(?:[:-][{_HEX}]{{2}}){{5}}\b(?![:-])")),
)
"The rules that need no more than their pattern. Addresses, hosts, users and bare hexadecimal are in `masker`."

IPV4 = re.compile(r"(?<![\w.-])(?<!\bv)(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w-]|\.\d)")
IPV4_IN_NAME = re.compile(r"(?<=ip-)\d{1,3}(?:-\d{1,3}){3}(?=[.\s]|$)")
"AWS names a machine after its address."
IPV6 = re.compile(
    rf"(?<![\w:.])(?:[{_HEX}]{{0,4}}:){{2,8}}(?:(?:\d{{1,3}}\.){{3}}\d{{1,3}}|[{_HEX}]{{1,4}})?(?![\w:]|\.\d)"
)

URL_HOST = re.compile(r"://(?:credentials-\d++@)?(?P<x>[A-Za-z0-9_.-]++)(?=[:/?#\s\"'\])},;]|$)")
NAMED_HOST = re.compile(
    rf"(?:\bhost(?:[ _-]?name)?{_QUOTES}\s?[=:]\s?(?:Some\()?(?:Domain\()?{_QUOTES}|\b(?:domain|server|sni|rhost)={_QUOTES}|/dns[46]?/|/dnsaddr/)"
    r"(?P<x>(?!Ipv[46]\b|None\b|Some\b|Domain\b|null\b)[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)",
    re.IGNORECASE,
)
BARE_HOST = re.compile(
    r"(?<![\w./@:-])(?P<x>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"(?:com|net|org|io|eth|xyz|dev|cloud|info|me|app|de|eu|uk|us|fr|nl|ch|at|it|es|pl|cz|se|fi|no|dk|ru|ua|cn|jp|kr|au|nz|ca|br|in|pro|tech"
    r"|network|online|site|space|host|live|fyi|finance|zone|systems|home|lan|local|internal|localdomain|arpa|ts\.net))(?![\w-]|\.\w|/\w+/\w+\.\w)",
    re.IGNORECASE,
)
SOURCES = (
    "github.com",
    "gitlab.com",
    "golang.org",
    "gopkg.in",
    "google.golang.org",
    "go.uber.org",
    "k8s.io",
    "crates.io",
)
"Hosts that stand in stack traces, as names of packages."

HOME = re.compile(r"(?P<before>/(?:home|Users|var/home)/|\bC:\\Users\\)(?P<x>[^\s/\\\"':;,)\]]++)")
USER = re.compile(
    rf"\b(?:(?:r|log|e|s)?user(?:[ _]?name)?{_QUOTES}\s?[=:]\s?{_QUOTES}|(?:invalid |illegal )?user |for (?=\S+ from )|sudo:\s++|su:\s++"
    r"|USER=|LOGNAME=)(?P<x>[a-z_][a-z0-9_-]{0,31})(?=[\s\"',;()\]:]|$)",
)
ACCOUNTS = frozenset(
    "root nobody execution consensus validator mevboost prometheus grafana systemd daemon ethereum geth lighthouse teku prysm nimbus"
    " lodestar nethermind besu reth erigon grandine pam_unix".split()
)
"Accounts that every node has."
NO_ONE = ACCOUNTS | frozenset(
    "service session slice unit manager user users name agent is was has with from for and the not a to invalid illegal unknown id data"
    " input space mode".split()
)
"And words that follow `user` in a sentence."

LONG_HEX = re.compile(rf"(?<![\w])(?P<zero>0x)?(?P<x>[{_HEX}]{{32,}}+)(?![\w])")
HASH_WORD = re.compile(
    r"(?:hash(?:es)?|roots?|block|head|parent|checkpoint|tx|transaction|state|target|source|finali[sz]ed|justified|commit(?:ment)?|digest"
    r"|genesis|payload|anchor|receipts?|withdrawals|uncles?|mix|prev\w*|best|canonical|sealhash|id)\W{0,12}(?:Some\()?\W{0,4}$",
    re.IGNORECASE,
)
"What stands before a hash that everybody may see."

LISTED = re.compile(
    rf"\b(?P<before>(?:validator[_ ]?ind(?:ices|exes)|validators?|(?:pub|public)[_ -]?keys|attester[_ ]?indices){_QUOTES}\s?[=:]?\s?{_QUOTES}\[)"
    r"(?P<x>[^\]\n]{1,20000}+)(?=\])",
    re.IGNORECASE,
)
LISTED_ONE = re.compile(rf"(?:0x)?[{_HEX}]{{1,96}}(?:(?:…|\.\.\.)[{_HEX}]*+)?(?![\w-])")
"One validator in such a list, by key or index."

PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|SECRET)[A-Z0-9 ]{0,20}-----")
PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
WORDS_IN_A_ROW = re.compile(
    r"(?:\b(?:\d{1,2}[.):]?[ \t]+)?[A-Za-z]{3,8}\b[ \t,;|\"'\]\[]{1,6}){11,}\b(?:\d{1,2}[.):]?[ \t]+)?[A-Za-z]{3,8}\b"
)
