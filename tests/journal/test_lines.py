"""Lines of every client, made up in its grammar, with what a person expects of them.

`lines/<client>.jsonl` has them, in the form that `make score LINES=tests/journal/lines` scores: the line as printed,
and level, time, component, message, fields; `eth` where the line says something of the chain.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.score import answer, misses
from ethpillar.journal.formats import LineParser

FOLDER = Path(__file__).parent / "lines"
ROWS = [
    pytest.param(json.loads(text), id=f"{file.stem}-{number}")
    for file in sorted(FOLDER.glob("*.jsonl"))
    for number, text in enumerate(file.read_text("utf-8").splitlines(), 1)
]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_line(row: dict[str, Any], known: bool) -> None:
    line = answer(row["raw"], f"{row['client']} service" if known else None)
    assert list(misses(row, line)) == []
    assert (line.eth or {}) == row.get("eth", {})
    assert list(line.fields.items()) == list(row["expect"]["fields"].items())


def shapes(*texts: str, description: str | None = None) -> list[tuple[str | None, bool]]:
    """Level and whether it continues, of each line of a stream."""
    parser = LineParser(description)
    return [(line.level, line.continuation) for line in map(parser.parse, texts)]


GETH = "ERROR[09-12|08:15:01.004] Something failed                         err=x"
TEKU = "08:15:15.001 ERROR - PLEASE FIX OR REPORT | Unexpected exception"
INFO = "INFO [09-12|08:15:01.004] All is well"
MORE = ("error", True)


def test_a_java_trace() -> None:
    assert shapes(
        TEKU,
        "java.util.concurrent.CompletionException: java.lang.RuntimeException: no",
        "\tat tech.pegasys.teku.X.lambda$run$0(X.java:12) ~[?:?]",
        "\t... 7 more",
        "Caused by: java.lang.RuntimeException: no",
        "\tat java.base/java.lang.Thread.run(Unknown Source)",
        "08:15:16.001 INFO  - On we go",
    ) == [("error", False), *[MORE] * 5, ("info", False)]


def test_a_go_panic() -> None:
    assert shapes(
        INFO,
        "panic: runtime error: invalid memory address or nil pointer dereference",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0xb8c1a4]",
        "",
        "goroutine 99 [running]:",
        "github.com/ethereum/go-ethereum/core.(*BlockChain).insert(0xc000, {0x1, 0x2})",
        "\t/build/core/blockchain.go:12 +0x1d",
        "created by main.main in goroutine 1",
    ) == [("info", False), ("critical", False), *[("critical", True)] * 6]


@pytest.mark.parametrize(
    "text",
    [
        "node:internal/process/promises:288",
        "file:///usr/app/packages/cli/lib/index.js:12",
        "panic: the first line of its text",
        "Fatal: Error starting protocol stack:",
    ],
)
def test_a_programs_last_words(text: str) -> None:
    assert shapes(INFO, text, "whatever it says then") == [
        ("info", False),
        ("critical", False),
        ("critical", True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Terminating due to java.lang.OutOfMemoryError: Java heap space",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "fatal runtime error: stack overflow",
        "unexpected fault address 0x0",
        "memory allocation of 4096 bytes failed",
        "Segmentation fault",
        "Killed",
        "/usr/local/bin/start.sh: line 12: 12345 Killed                  geth --mainnet",
    ],
)
def test_last_words_that_are_whole(text: str) -> None:
    assert shapes(INFO, text, "whatever is said then") == [("info", False), ("critical", False), (None, False)]


def test_a_nim_trace_in_a_trace() -> None:
    warning = 'WRN 2026-09-12 08:15:20.001+00:00 Request failed                             topics="rest"'
    assert shapes(warning, "/src/x/api.nim(12) get", "[[reraised from:", "/src/x/api.nim(9) poll", "]]") == [
        ("warn", False),
        *[("warn", True)] * 4,
    ]


def test_a_rust_panic_and_a_list() -> None:
    reth = "2026-09-12T08:15:07.234567Z  INFO Pre-merge hard forks (block based):"
    assert shapes(
        reth,
        "- Frontier                         @0",
        "- Homestead                        @1150000",
        "thread 'main' panicked at src/lib.rs:1:2:",
        "called `Option::unwrap()` on a `None` value",
        "stack backtrace:",
        "   0: rust_begin_unwind",
        "note: run with `RUST_BACKTRACE=1`",
    ) == [("info", False), *[("info", True)] * 2, ("critical", False), *[("critical", True)] * 4]


def test_a_javascript_and_a_dotnet_error() -> None:
    assert shapes(
        "Sep-12 08:15:19.001[]                error: Failed slot=1 - Oh no",
        "Error: Oh no",
        "    at fn (file:///usr/app/x.ts:1:2)",
        "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ) == [("error", False), *[MORE] * 3]
    assert shapes(
        "12 Sep 08:15:06 | Error when handling newPayload",
        "System.InvalidOperationException: Collection was modified",
        "   at System.Collections.Generic.List`1.Enumerator.MoveNext()",
        "--- End of stack trace from previous location ---",
    ) == [("error", False), *[MORE] * 3]


def test_an_error_that_ends_a_javascript_program() -> None:
    assert shapes(
        INFO,
        "Error: listen EADDRINUSE: address already in use",
        "Emitted 'error' event on Server instance at:",
        "    at emitErrorNT (node:net:1906:8)",
        "}",
        "Node.js v22.1.0",
    ) == [("info", False), ("error", False), *[MORE] * 4]


def test_a_record_that_goes_on_after_an_open_bracket() -> None:
    assert shapes(
        "12 Sep 08:15:06 | Executing JSON RPC call eth_getLogs with params [{",
        '  "topics": [',
        "  ]",
        "}]",
        "12 Sep 08:15:07 | Peers: 3",
    ) == [(None, False), *[(None, True)] * 3, (None, False)]


def test_what_error_reports_of_rust_have_between_their_parts() -> None:
    assert shapes(
        "Error: failed to open the database",
        "",
        "Caused by:",
        "    0: it is locked",
        "Location:",
        "    crates/x.rs:1:2",
        "Backtrace omitted. Run with RUST_BACKTRACE=1 environment variable to display it.",
    ) == [("error", False), *[MORE] * 6]
    assert shapes(INFO, "The application panicked (crashed).", "Message:  oh") == [
        ("info", False),
        ("critical", False),
        ("critical", True),
    ]


def test_exceptions_inside_of_exceptions_of_dotnet() -> None:
    assert shapes(
        "12 Sep 08:15:06 | Error during sync",
        "System.AggregateException: One or more errors occurred.",
        "---> System.Net.Sockets.SocketException (98): Address already in use",
        "   --- End of inner exception stack trace ---",
    ) == [("error", False), *[MORE] * 3]


def test_a_banner_after_an_empty_line() -> None:
    assert shapes(
        "2026-09-12 08:15:06.234+00:00 | main | INFO  | Besu | ", "####", "# Besu version 26 #", "# x #", "####"
    ) == [("info", False), *[("info", True)] * 4]
    assert shapes(
        "ERROR[09-12|08:15:01.004] ", "########## BAD BLOCK #########", "Block: 12 (0xab)", "Error: invalid root"
    ) == [("error", False), *[MORE] * 3]


def test_a_wrappers_line_in_between_is_nobodys() -> None:
    assert shapes(GETH, "Restarting in 5 seconds", "WARNING: old flag", INFO, "    still loading") == [
        ("error", False),
        (None, False),
        ("warn", False),
        ("info", False),
        ("info", True),
    ]


def test_a_trace_whose_beginning_we_have_not_seen() -> None:
    assert shapes("\tat a.b.C.d(C.java:1)", "Caused by: x.Y", INFO) == [(None, True), (None, True), ("info", False)]


def test_indentation_is_kept_where_it_means_something() -> None:
    parser = LineParser()
    parser.parse(TEKU)
    assert parser.parse("\tat a.b.C.d(C.java:1)  ").message == "\tat a.b.C.d(C.java:1)"
    assert LineParser().parse("12 Sep 08:15:06 |   Max headers: 1").message == "Max headers: 1"


def test_systemds_line_ends_what_was_before() -> None:
    parser = LineParser("Geth Execution Layer Client service for HOODI")
    parser.parse("panic: oh")
    line = parser.parse(
        "execution.service: Main process exited, code=exited, status=2/INVALIDARGUMENT", 5, manager=True
    )
    assert (line.level, line.component, line.continuation) == ("info", "execution.service", False)
    assert line.fields == {"code": "exited", "status": "2/INVALIDARGUMENT"}
    assert parser.parse("plain").continuation is False
    started = parser.parse("Started execution.service - Geth x.", 6, manager=True)
    assert (started.level, started.component) == ("info", "execution.service")
    assert parser.parse("Started Geth x.", 6, manager=True).component == "systemd"
    failed = parser.parse("execution.service: Failed with result 'exit-code'.", 4, manager=True)
    assert (failed.level, failed.fields) == ("warn", {"result": "exit-code"})


@pytest.mark.parametrize(("priority", "level"), [(None, None), (6, None), (3, "error"), (4, "warn"), (2, "critical")])
def test_the_journals_priority_stands_in_where_a_line_says_nothing(priority: int | None, level: str | None) -> None:
    assert LineParser().parse("a plain line", priority).level == level
    assert LineParser().parse("12 Sep 08:15:06 | Peers: 3", priority).level == level
    assert LineParser().parse(INFO, priority).level == "info"


def test_further_lines_of_an_entry_belong_to_it() -> None:
    parser = LineParser()
    parser.parse(GETH)
    assert parser.parse("whatever it says", further=True).continuation
    assert not parser.parse(INFO, further=True).continuation


def test_a_line_of_no_clients_does_not_change_how_the_others_are_read() -> None:
    parser = LineParser()
    assert parser.parse("2026-09-12 08:15:05 INFO: a wrapper's line").level == "info"
    line = parser.parse("[2026-09-12T08:15:06.105Z]  WARN p2p::network:225: slow peers=[3/200]")
    assert (line.component, line.message, line.eth) == ("p2p::network", "slow", {"peers": "3"})


def test_a_client_that_is_switched() -> None:
    parser = LineParser("Geth Execution Layer Client service for HOODI")
    parser.parse(INFO)
    reth = "2026-09-12T08:15:06.234567Z  INFO reth::cli: Status connected_peers=101 latest_block=5"
    assert parser.parse(reth).eth == {"peers": "101", "block": "5"}
    parser.describe("Reth Execution Layer Client service for HOODI")
    assert parser.client == "Reth"
    assert parser.parse(reth).component == "reth::cli"
    assert parser.parse(INFO).level == "info"


def test_a_trace_ends_where_it_ends() -> None:
    assert shapes(
        "Traceback (most recent call last):",
        '  File "/usr/bin/wrapper", line 3, in <module>',
        "    main()",
        "ValueError: bad",
        "retrying in 5 seconds",
        "connected again",
    ) == [("critical", False), *[("critical", True)] * 3, *[(None, False)] * 2]
    assert shapes(
        "thread 'main' panicked at src/lib.rs:1:2:",
        "oh no",
        "note: run with `RUST_BACKTRACE=1`",
        "restarting",
    ) == [("critical", False), *[("critical", True)] * 2, (None, False)]
    assert shapes(
        TEKU,
        "java.lang.RuntimeException: no",
        "a second line of its text",
        "\tat a.b.C.d(C.java:1)",
        "a wrapper's line",
    ) == [("error", False), *[MORE] * 3, (None, False)]
    assert shapes(
        '[2026-09-12 08:15:21] ERROR main: Could not start error="x"',
        "github.com/x/y.(*S).dial",
        "\t/build/y.go:12",
        "the text of the error around it",
        "main.main",
        "\t/build/main.go:3",
        "also the last one",
        "a wrapper's line",
    ) == [("error", False), *[MORE] * 6, (None, False)]


def test_a_text_that_only_begins_as_a_frame_does() -> None:
    assert shapes(INFO, "at the beginning of the epoch", "created by the user", "... 3 more minutes") == [
        ("info", False),
        *[(None, False)] * 3,
    ]


def test_what_a_trace_may_begin_with() -> None:
    error = "Mar-01 03:06:35.050[]                error: Failed slot=1"
    for first in ("AggregateError [ECONNREFUSED]: ", "PublishError.InsufficientPeers"):
        assert shapes(error, first, "    at x (file:///a.js:1:2)") == [("error", False), *[MORE] * 2]
    zap = '2026-09-12T08:15:26.215928Z\tERROR\tcould not start\t{"error": "x"}'
    assert shapes(zap, "main.main", "\t/build/main.go:12") == [("error", False), *[MORE] * 2]


def test_the_frames_of_a_text_without_a_level_have_that_of_the_line_before() -> None:
    prysm = '[2026-09-12 08:15:21] ERROR powchain: Could not connect error="EOF"'
    assert shapes(prysm, "could not dial execution node", "github.com/x/y.(*S).dial", "\t/build/y.go:12") == [
        ("error", False),
        (None, False),
        *[MORE] * 2,
    ]


def test_nothing_continues_systemds_lines() -> None:
    parser = LineParser()
    parser.parse("Started mevboost.service - Commit-Boost.", 6, manager=True)
    assert not parser.parse("   ___ a logo ___").continuation
    assert parser.parse("  |__ more of it").continuation


def test_a_list_does_not_begin_after_a_comma_that_ends_a_value() -> None:
    lighthouse = "Aug 12 13:11:03.500 DEBUG Processed                                     pubkey: 0x93a1, "
    assert shapes(lighthouse, "a wrapper's line") == [("debug", False), (None, False)]


def test_dotnets_crashes_and_texts_of_two_lines() -> None:
    assert shapes("Fatal error. Internal CLR error. (0x80131506)", "   at A.B()") == [
        ("critical", False),
        ("critical", True),
    ]
    gone = "System.ObjectDisposedException: gone"
    assert shapes(gone, "Object name: 'x'.", "   at A.B()", "12 Sep 08:15:07 | x") == [
        ("error", False),
        *[MORE] * 2,
        (None, False),
    ]


def test_what_comes_out_of_json_does_nothing_to_a_terminal() -> None:
    text = '{"lvl":"info","msg":"a\\u001b[31mred\\u001b[0m\\u0007 b\\u009b","k\\u001b[1m":"v\\u009b2J\\u0000w"}'
    line = LineParser().parse(text)
    assert (line.message, line.fields) == ("ared b", {"k": "v2Jw"})
    assert line.message.isprintable()


def test_a_trace_right_after_a_line_of_systemds_is_whole() -> None:
    parser = LineParser("Teku Consensus Layer Client service for HOODI")
    parser.parse("consensus.service: Main process exited, code=exited, status=1/FAILURE", 5, manager=True)
    trace = [TEKU, "java.lang.RuntimeException: no", "\tat a.b.C.d(C.java:1)"]
    assert [parser.parse(text).continuation for text in trace] == [False, True, True]


@pytest.mark.parametrize("value", ["1}", "2)", "3]", "[4", "(5", "{6", "}{", "]["])
def test_a_bracket_without_its_other_half_is_a_part_of_the_value(value: str) -> None:
    line = LineParser().parse(f"2026-09-12T08:15:06.234567Z  INFO reth::cli: Status a={value}")
    assert (line.message, line.fields) == ("Status", {"a": value})


def test_peers_of_a_protocol_that_is_no_number_are_not_counted() -> None:
    line = LineParser().parse(
        "[INFO] [02-20|09:38:31.455] [p2p] GoodPeers                          eth67=99 eth68=many"
    )
    assert line.eth == {"peers": "99"}
