"""Texts made to make a parser slow: a client's beginning, then 48 KiB of one thing again and again.

Used by the tests (none may raise or hang) and by `bench/formats.py`, which says how long the slowest takes.
"""

from __future__ import annotations

from collections.abc import Iterator

SIZE = 48 * 1024
"Bytes: journald cuts what a program prints at this length (LineMax= of journald.conf(5))."

HEADS = (
    "",
    "\t",
    "at ",
    "github.com/",
    "INFO [11-07|04:02:49.123] ",
    "[INFO] [04-29|12:01:26.516] [1/6 x] y  ",
    "06 Feb 13:14:48 | ",
    "2020-10-30 08:56:56.5237|ERROR|20|",
    "2024-01-06 12:40:11.094+00:00 | x | ERROR | Merge | ",
    "2024-01-06 12:40:11.094+00:00 | ",
    "13:15:32.357 INFO  - Slot Event *** ",
    "2023-11-05T19:01:25.678094Z  INFO ",
    "2023-11-05T19:01:25.678094Z  INFO a{",
    "2021-04-19T19:23:15.828772Z    INFO    ",
    "Sep 29 09:50:13.535 DEBG ",
    "Sep 29 09:50:13.535 DEBG m                  ",
    "Apr-20 15:12:45.274[]                 info: ",
    "NTC 2022-11-21 18:00:23.666+01:00 ",
    "[2025-07-03 03:40:19]  INFO ",
    'time="2023-05-19 23:27:27" level=warning msg="',
    "time=x level=info msg=x ",
    "[2026-05-05T11:30:57.105Z]  INFO ",
    "[2026-05-05T11:30:57.105Z] [INFO] ",
    "11:46:03.002 DEBG ",
    "INFO[0036] ",
    '{"level":"info","a":',
    '{"',
    "12:00:00.123 [main] INFO  ",
    "2024-01-01 12:00:00 INFO ",
    "execution.service: ",
    " WARN ",
    "WARN a    k: ",
    "[Nest] 98  - 11/05/2025, 12:39:13 PM   ERROR [",
    "a-1  | ",
    "*** Error in `",
    "/bin/x(",
    "x: y:1: ",
    "WARNING:",
    "[1.000s][info][a",
)
REPEATED = (
    *("a", " ", "=", '"', "\\", '\\"', "a=", 'a="', 'a="x ', 'a="x" ', 'a="x" "', "a=b ", " a=", "{a=", "(a=", " a=("),
    *(
        'a=\\" ',
        'a="\\" ',
        '" ',
        '(" ',
        'a" b=',
        'k="v" x',
        "{",
        "[",
        "(",
        "}",
        "([{",
        "[[",
        '{"a":',
        '"a":1,',
        "\\u0041",
    ),
    *("a: ", ", a: ", ",", ", ", " - ", " - a: ", "  ", "a  ", "A b c: ", "  A: ", "*** A: 1, ", "***", "a:b, "),
    *("|", " | ", "x | ", "| INFO | ", "[a] ", "::", "a::", "a::b:", "a{", "a.b", "a.", "java.lang.", ".(", "a(", "a)"),
    *(
        "at ",
        "at a.b(",
        "\t",
        "/",
        "a/",
        "a/b.",
        ".go:1",
        "~/",
        "-",
        "0",
        "0,",
        "0x",
        "1:",
        "T",
        "…",
        "*",
        "<",
        "\u3000",
    ),
    *("INFO ", "error: ", "2024-01-01 "),
)
TAILS = ("", "!", "x y")


def texts(size: int = SIZE) -> Iterator[str]:
    """All of them, of about `size` characters."""
    for head in HEADS:
        for repeated in REPEATED:
            for tail in TAILS:
                yield (head + repeated * (size // len(repeated)))[:size] + tail
