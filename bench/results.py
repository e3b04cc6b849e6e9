"""Writes `bench/RESULTS.md` and its plots: `make bench`.

Three runs, each with the peer and this server one after the other on the same node, so that what a ratio says does not
depend on how fast the machine is. The lines that a server has while others are measured cost nothing: it is the only
one that runs.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.delivery import Figure, Scenario, Stage, burst, stage
from bench.idle import answer_from_memory
from bench.node import BACKLOG, LINE, SERVICES
from bench.servers import PEER, Ours, Peer
from tests.programs import node
from tests.system.raw import Raw

FOLDER = Path(__file__).resolve().parent
RUNS = 3
SUBSCRIBES = 8
"Times that a log is subscribed to, of which the median counts."
ONE, NINE, BATCH = Scenario("1", 1, 60_000), Scenario("9", 9, 30_000), Scenario("9, batch", 9, 30_000, batch=True)
FIFTY, MANY = Scenario("50", 50, 20_000), Scenario("200", 200, 15_000, counters=2)
OURS = (ONE, NINE, BATCH, FIFTY, MANY, Scenario("500", 500, 6000, counters=2))
LENGTHS = {100: 40_000, 1000: 20_000, 10_000: 3000, 48_000: 800}
"Characters of a line, and how many of them are sent."

SERVICES_TO_LINES = {1: 40_000, 10: 6000, 40: 1500}
NODES_TO_LINES = {1: 40_000, 10: 6000, 100: 600, 1000: 600}
"How many there are, and how many lines each prints. A socket follows each."

Figures = dict[str, Figure]
Points = dict[int, float]
Waits = tuple[dict[str, float], dict[str, float]]
"Of the peer and of this server, see `subscribe`."


def measure(stage: Stage, server: Any, scenarios: Sequence[Scenario]) -> Figures:
    """Run some scenarios against a server, the first of them once before it counts."""
    try:
        burst(stage, server, scenarios[0], 5000, stage.session())
        return {each.name: burst(stage, server, each, each.lines, stage.session()) for each in scenarios}
    finally:
        server.stop()


def subscribe(stage: Stage, server: Any) -> dict[str, float]:
    """Return the milliseconds until the 50th line is there: of a first log with the login, and of two with a connection
    that stands: one that nobody follows yet, and one that another socket follows."""
    took: dict[str, list[float]] = {"login": [], "new": [], "followed": []}
    try:
        for number in range(SUBSCRIBES + 1):
            token, pages = stage.session(), []
            for kind, service in (("login", "execution"), ("new", "consensus"), ("followed", "execution")):
                page = Raw(server.port)
                pages.append(page)
                began = time.perf_counter()
                page.connect(token)
                began = began if kind == "login" else time.perf_counter()
                page.say(f'42["subscribe_logs",{{"service":"{service}"}}]')
                lines = 0
                while lines < BACKLOG:
                    lines += '"log_data"' in page.hear()[:16]
                if number:  # the first of a process costs more
                    took[kind].append((time.perf_counter() - began) * 1000)
            for page in pages:
                page.close()
    finally:
        server.stop()
    return {kind: statistics.median(each) for kind, each in took.items()}


def lengths(stage: Stage) -> Points:
    """Return the microseconds of CPU that a line of each length costs."""
    found = {}
    for length, count in LENGTHS.items():
        server = Ours(stage.folder / "servers", stage.redis.url)
        try:
            head = LINE.split(" blocks=")[0]
            lines = [head.format(number).ljust(length, "x")[:length] for number in range(count)]
            found[length] = burst(stage, server, Scenario("", 1, count), count, stage.session(), lines).cpu
        finally:
            server.stop()
    return found


def services(stage: Stage) -> Points:
    """Return the microseconds of CPU of a line while so many units of one node print."""
    return {
        count: _spread(stage, Scenario("", count, lines, services=SERVICES[:count]), 1)
        for count, lines in SERVICES_TO_LINES.items()
    }


def nodes(stage: Stage) -> Points:
    """Return the microseconds of CPU of a line while a unit on each of so many nodes prints."""
    return {count: _spread(stage, Scenario("", count, lines), count) for count, lines in NODES_TO_LINES.items()}


def _spread(stage: Stage, scenario: Scenario, sessions: int) -> float:
    server = Ours(stage.folder / "servers", stage.redis.url, MAX_NODES=str(2 * sessions))
    try:
        burst(stage, server, Scenario("", 1, 1), 2000, stage.session())
        tokens = ",".join(stage.session() for _ in range(sessions))
        return burst(stage, server, scenario, scenario.lines, tokens).cpu / scenario.sockets
    finally:
        server.stop()


def ratios(peer: Figures, ours: Figures, waits: Waits) -> dict[str, float]:
    """Return what the aims are about, of one run."""
    its, own = waits
    further = (ours["200"].cpu - ours["1"].cpu) / 199
    return {
        "1 socket: CPU a line, to the peer's": ours["1"].cpu / peer["1"].cpu,
        "1 socket: lines/s, to the peer's": ours["1"].rate / peer["1"].rate,
        "9 sockets: CPU a line, to the peer's": ours["9"].cpu / peer["9"].cpu,
        "9 sockets: lines/s, to the peer's": ours["9"].rate / peer["9"].rate,
        "9 sockets, `batch: true`: CPU a line, to the peer's": ours["9, batch"].cpu / peer["9"].cpu,
        "each further socket, to 200: us of CPU a line": further,
        "the same, to the peer's CPU of one delivery": further / (peer["9"].cpu / 9),
        "200 sockets: us of CPU a delivery": ours["200"].cpu / 200,
        "200 sockets: deliveries/s": ours["200"].rate * 200,
        "the peer: us of CPU a delivery, 9 sockets": peer["9"].cpu / 9,
        "to the 50th line, with the login: ms, to the peer's": own["login"] / its["login"],
        "to the 50th line of a further log: ms, to the peer's": own["new"] / its["new"],
        "to the 50th line of a log that is followed: ms, to the peer's": own["followed"] / its["followed"],
        "the three in ms: with the login": own["login"],
        "a further log": own["new"],
        "a log that is followed": own["followed"],
    }


AIMS = (
    "at most 1.6",
    "at least 1.0",
    "at most 0.25",
    "at least 5",
    "at most 0.2",
    "at most 0.4",
    "",
    "at most 0.5, or",
)
WHERE = """Where the time goes (`py-spy record` of the worker, on 2026-11-27; to be looked at again when the figures
change). With one socket: finding a line's template and filling in its frame 36 %, SSH and the export format 37 %, the
ring 8 %, the subscriber with its send 7 %. Both have about one core by then (CPU a line times lines a second), so the
one that does less for a line has more of them: the peer does none of the first. With 9 sockets: 26, 26, 7 and 19 %, in
the last of which the kernel's send is 12 %. A run is written by its subscriber as far as the socket takes it at once;
of a further socket half is the kernel's copy (0.25 us for these 750 bytes; a bare loop of `send` costs as much), and so
is most of what a delivery to 200 costs. A batch is made of the lines' frames, which costs 0.3 us a line beside them.
The processes that count, the node and sshd share the two processors: a socket that is read too late falls out of the
ring, and is served from the journal, which costs as much as a log of its own.

1,000 pages that reconnect at once (`make bench-herd ARGS="--other ../before"`, on 2026-11-27): the last one is served
after 2.8 s, and after 5.8 s by the first version: 0.48, where the aim is a third. A page costs 2.4 ms of CPU (4.9):
nothing of it stands out any more. Asking Redis for each page by itself was a third; those that come at once are asked
for together now. What is left is spread over an HTTP request, four Engine.IO and Socket.IO packets in and nine
messages out, each with a send of 10 to 20 us, nine greenlets, and the limits."""
AIMS += ("at least 1,500,000", "5 to 7 on an idle machine", "at most 1.0", "at most 1.0", "at most 1.0", "", "", "")


def versions() -> str:
    """Return what ran: Python and Node.js with the packages that count."""
    from importlib.metadata import version

    ours = ", ".join(f"{name} {version(name)}" for name in ("gevent", "paramiko", "orjson", "python-engineio"))
    said = subprocess.run([str(node()), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = ", ".join(
        f"{name} {_version_of(PEER / 'node_modules' / name / 'package.json')}"
        for name in ("socket.io", "ssh2", "ioredis")
    )
    return f"Python {platform.python_version()} with {ours}; Node.js {said} with {packages}"


def _version_of(path: Path) -> str:
    import json

    return str(json.loads(path.read_text())["version"])


def machine() -> str:
    """Return the processors, the memory and the system of this machine."""
    text = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "?")
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {gigabytes:.0f} GB, {platform.system()} {platform.release()}"


Run = tuple[Figures, Figures, Waits]
"Of the peer, of this server, and how long one waits for a log."


def write(runs: Sequence[Run], by_length: Points, by_service: Points, by_node: Points) -> None:
    """Write the report and draw the plots."""
    every = [ratios(*run) for run in runs]
    rows = ["| what | median | lowest to highest | aim |", "|---|---|---|---|"]
    for name, aim in zip(every[0], AIMS, strict=True):
        values = [each[name] for each in every]
        shown = [f"{value:,.0f}" if value >= 1000 else f"{value:.2f}" for value in (min(values), max(values))]
        middle = statistics.median(values)
        rows.append(
            f"| {name} | {f'{middle:,.0f}' if middle >= 1000 else f'{middle:.2f}'} | {' to '.join(shown)} | {aim} |"
        )
    table = ["| sockets | " + " | ".join(runs[0][1]) + " |", "|---|" + "---|" * len(runs[0][1])]
    for title, at in (("peer", 0), ("this server", 1)):
        for kind, index in (("us of CPU a line", 0), ("lines/s", 1)):
            cells = [
                f"{statistics.median([run[at][name][index] for run in runs]):,.{1 - index}f}"
                if name in runs[0][at]
                else ""
                for name in runs[0][1]
            ]
            table.append(f"| {title}, {kind} | " + " | ".join(cells) + " |")
    long = [f"| {length:,} | {cost:.1f} | {cost / length * 1000:.1f} |" for length, cost in by_length.items()]
    text = [
        "# What a line costs, and what another socket costs",
        "",
        f"Written by `make bench` on {time.strftime('%Y-%m-%d')}: {machine()}. {versions()}.",
        "",
        "The peer is `bench/peer/`: a `journalctl -f -o cat` for each socket and service, one event a line, no",
        f"parsing. CPU is that of the server's process (/proc/PID/stat). Medians of {RUNS} runs, in each of which both",
        "had the same lines; the node, sshd and the clients that count run on the same processors, so a rate is a",
        "lower bound.",
        "",
        *rows,
        "",
        *table,
        "",
        "| characters of a line | us of CPU a line, 1 socket | us of CPU for 1,000 characters |",
        "|---|---|---|",
        *long,
        "",
        *_columns("units that print", by_service),
        "",
        *_columns("nodes that print", by_node),
        "",
        *WHERE.splitlines(),
        "",
        "![cost by sockets](results/sockets.png) ![cost by line length](results/lengths.png)",
        "![cost by units](results/services.png) ![cost by nodes](results/nodes.png)",
        "",
    ]
    (FOLDER / "RESULTS.md").write_text("\n".join(text))
    draw(runs, by_length, by_service, by_node)


def _columns(what: str, points: Points) -> list[str]:
    cells = [f"{value:.1f}" for value in points.values()]
    return [
        f"| {what} | {' | '.join(map(str, points))} |",
        "|---|" + "---|" * len(cells),
        f"| us of CPU a line, 1 socket each | {' | '.join(cells)} |",
    ]


def draw(runs: Sequence[Run], by_length: Points, by_service: Points, by_node: Points) -> None:
    """Draw the plots, if matplotlib is there (`requirements-bench.txt`)."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no plots", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    (FOLDER / "results").mkdir(exist_ok=True)
    series: dict[str, dict[int, float]] = {"this server": {}, "peer": {}}
    for each in OURS:
        if each.batch:
            continue
        series["this server"][each.sockets] = statistics.median([ours[each.name].cpu for _, ours, _ in runs])
    for each in (ONE, NINE):
        series["peer"][each.sockets] = statistics.median([peer[each.name].cpu for peer, _, _ in runs])
    plots = {
        "sockets": (series, "sockets on one unit", "us of CPU a line"),
        "lengths": ({"this server": by_length}, "characters of a line", "us of CPU a line, 1 socket"),
        "services": ({"this server": by_service}, "units of a node that print", "us of CPU a line, 1 socket each"),
        "nodes": ({"this server": by_node}, "nodes that print", "us of CPU a line, 1 socket each"),
    }
    for name, (lines, across, up) in plots.items():
        figure, axes = pyplot.subplots(figsize=(5, 3.5), layout="constrained")
        for label, points in lines.items():
            axes.plot(list(points), list(points.values()), marker="o", label=label)
        axes.set(xlabel=across, ylabel=up, ylim=(0, None), xlim=(0, None))
        axes.legend()
        figure.savefig(FOLDER / "results" / f"{name}.png", dpi=90)
        pyplot.close(figure)


def main() -> None:
    """Measures, and writes."""
    runs: list[Run] = []
    with stage() as found:
        for command in ("systemctl", "systemd-id128"):
            answer_from_memory(found.node.bin / command)
        for number in range(RUNS):
            folder = found.folder / "servers"
            peer = measure(found, Peer(folder, found.redis.url), [ONE, NINE])
            ours = measure(found, Ours(folder, found.redis.url), OURS)
            found.node.prepare([])  # else whoever follows gets the last burst, while it is waited for the next log
            waits = subscribe(found, Peer(folder, found.redis.url)), subscribe(found, Ours(folder, found.redis.url))
            found.node.burst()  # of nothing, so that none of these goes on looking for it
            runs.append((peer, ours, waits))
            for name, value in ratios(*runs[-1]).items():
                print(f"run {number + 1}: {name}: {value:,.2f}", flush=True)
        measured = lengths(found), services(found), nodes(found)
    write(runs, *measured)


if __name__ == "__main__":
    main()
