"""The server's figures in Prometheus' format.

Belongs here: names and meanings. Each room counts in its own objects; they are only looked at when somebody asks.
No label has a value that grows with users.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from .nodes.tally import POLL_BOUNDS
from .server import Server

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Figures(Collector):
    def __init__(self, server: Server, version: str) -> None:
        self._server = server
        self._version = version

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is looked at before somebody asks

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, as it is at the moment."""
        yield _info(self._version)
        yield from self._present()
        yield from self._logs()
        yield from self._nodes()
        yield from self._server_itself()

    def _present(self) -> Iterator[Metric]:
        gateway, limits = self._server.gateway, self._server.limits
        yield _gauge("sockets", "Sockets of browsers.", len(gateway.sockets))
        yield _gauge("engine_sessions", "Engine.IO sessions, with those that are no socket yet.", len(gateway.guard))
        yield _gauge("sessions", "Sessions that sockets have shown or nodes belong to.", len(gateway.tokens()))
        yield _gauge("addresses", "Client addresses with a connection.", len(limits.connections))
        outgoing = sum(socket.outbox.weight for socket in list(gateway.sockets.values()))
        yield _gauge("outgoing_bytes", "Bytes that browsers have not taken yet.", outgoing)
        ledger = limits.ledger
        yield _gauge("memory_held_bytes", "Memory held for browsers and nodes, by kind.", +ledger.kinds, "kind")
        yield _gauge("memory_budget_bytes", "How much of it there may be.", ledger.budget)
        yield _counter("memory_given_back_bytes", "Bytes of recent lines forgotten for lack of it.", ledger.given_back)
        counts = {refusal.value: count for refusal, count in limits.refusals.counts.items()}
        yield _counter("refused", "What was refused, by reason; see docs/metrics.md.", counts, "reason")

    def _logs(self) -> Iterator[Metric]:
        tally = self._server.registry.tally
        feeds = [feed for node in self._server.registry.nodes() for feed in node.feeds]
        yield _gauge("log_feeds", "Followed logs, by state.", Counter(feed.state for feed in feeds), "state")
        yield _gauge("log_subscribers", "Subscriptions to logs.", sum(feed.subscribers for feed in feeds))
        yield _gauge("ring_bytes", "Memory of recent entries.", sum(feed.ring.size for feed in feeds))
        yield _counter("journal_entries", "Journal entries read from nodes.", tally.entries)
        yield _counter("journal_bytes", "Bytes of their messages.", tally.bytes_read)
        yield _counter("sent_lines", "Lines given to subscribers.", tally.lines_sent)
        yield _counter("sent_bytes", "Bytes of these lines, encoded.", tally.bytes_sent)
        yield _counter("unknown_lines", "Lines that no format knew, by Ethereum client.", tally.unknown, "client")
        yield _counter("gaps", "Gaps that subscribers were told of, by reason.", tally.gaps, "reason")

    def _nodes(self) -> Iterator[Metric]:
        nodes, tally = self._server.registry.nodes(), self._server.registry.tally
        yield _gauge(
            "nodes", "Nodes, by the state of their connection.", Counter(each.state for each in nodes), "state"
        )
        subscribers = sum(len(node.status.subscriptions) for node in nodes)
        yield _gauge("status_subscribers", "Subscriptions to states.", subscribers)
        yield _counter("logins", "Tries to log in to a node, by result.", tally.logins, "result")
        yield _counter("reconnects", "Connections to nodes made again after a loss.", tally.reconnects)
        polls = HistogramMetricFamily("ethpillar_poll_seconds", "Seconds that status polls took.")
        polls.add_metric([], [*_cumulated(tally.polls)], tally.poll_seconds)
        yield polls
        yield _counter("poll_failures", "Status polls without an answer.", tally.polls_failed)

    def _server_itself(self) -> Iterator[Metric]:
        lag = self._server.watchdog.lag
        yield _gauge("loop_longest_lag_seconds", "The longest lag of the event loop since the start.", lag.longest)
        yield _counter("loop_late", "Lags of the event loop of 0.1 s or more.", lag.late)
        yield _counter("redis_errors", "Questions to Redis without an answer.", self._server.store.errors)


def _info(version: str) -> Metric:
    info = GaugeMetricFamily("ethpillar_build_info", "1, with the version.", labels=["version"])
    info.add_metric([version], 1)
    return info


def _gauge(name: str, meaning: str, value: float | Mapping[str, int], label: str = "") -> Metric:
    made = GaugeMetricFamily(f"ethpillar_{name}", meaning, labels=[label] if label else [])
    _fill(made, value)
    return made


def _counter(name: str, meaning: str, value: float | Mapping[str, int], label: str = "") -> Metric:
    made = CounterMetricFamily(f"ethpillar_{name}", meaning, labels=[label] if label else [])
    _fill(made, value)
    return made


def _fill(made: GaugeMetricFamily | CounterMetricFamily, value: float | Mapping[str, int]) -> None:
    if isinstance(value, Mapping):
        for key, count in sorted(value.items()):
            made.add_metric([key], count)
    else:
        made.add_metric([], value)


def _cumulated(counts: Mapping[float, int]) -> Iterator[tuple[str, float]]:
    total = 0
    for bound in POLL_BOUNDS:
        total += counts.get(bound, 0)
        yield ("+Inf" if bound == float("inf") else str(bound)), total


class Metrics:
    """The figures of one server."""

    def __init__(self, server: Server, version: str) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Figures(server, version))
        ProcessCollector(namespace="ethpillar", registry=self._registry)

    def text(self) -> bytes:
        """Return all of them."""
        return bytes(generate_latest(self._registry))
