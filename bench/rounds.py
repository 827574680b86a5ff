"""Rounds of measuring: each row against the bare application, in turns."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import load
from bench.calls import Call
from bench.load import Load
from bench.rows import Row
from bench.stand import Stand

BARE_REQUESTS = 3000
WRK_SECONDS = 2
MICROS = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: microseconds of processor time a request, by process tree, and how it went."""

    micros: Mapping[str, float]
    load: Load


@dataclass
class Figures:
    """What was measured of a row: (ours, bare) in pairs."""

    row: Row
    pairs: list[tuple[Cost, Cost]] = field(default_factory=list)

    def ratios(self) -> list[float]:
        """The server's processor time a request, × bare; one for each pair."""
        return [ours.micros["api"] / bare.micros["bare"] for ours, bare in self.pairs]

    def in_all(self) -> float:
        """The same with the database's and Valkey's processor time."""
        return statistics.median(
            sum(ours.micros[name] for name in ("api", "database", "valkey")) / bare.micros["bare"]
            for ours, bare in self.pairs
        )

    def throughput(self) -> float:
        """Requests a second, × bare."""
        return statistics.median(
            ours.load.per_second / bare.load.per_second for ours, bare in self.pairs
        )

    def per_second(self) -> float:
        return statistics.median(ours.load.per_second for ours, _bare in self.pairs)

    def micros(self) -> float:
        return statistics.median(ours.micros["api"] for ours, _bare in self.pairs)

    def as_json(self) -> dict[str, Any]:
        """Everything, for the file."""
        return {
            "row": self.row.name,
            "ratio": statistics.median(self.ratios()),
            "ratios": self.ratios(),
            "ratio_in_all": self.in_all(),
            "throughput_ratio": self.throughput(),
            "pairs": [[_plain(ours), _plain(bare)] for ours, bare in self.pairs],
        }


def _plain(cost: Cost) -> dict[str, Any]:
    return {
        "micros": dict(cost.micros),
        "requests": cost.load.requests,
        "per_second": cost.load.per_second,
        "p50_ms": cost.load.percentile_ms(50),
        "p99_ms": cost.load.percentile_ms(99),
    }


def measure(
    stand: Stand, rows: Sequence[Row], rounds: int, say: Callable[[str], None]
) -> list[Figures]:
    """Measure `rows`, the bare application before each; raises RequestsFailed."""
    figures = [Figures(row) for row in rows]
    for row in rows:
        say(f"{stand.database}: warming up, {row.name}")
        _pair(stand, row, row.requests // 4)
    for number in range(1, rounds + 1):
        for found in figures:
            say(f"{stand.database}: round {number} of {rounds}, {found.row.name}")
            found.pairs.append(_pair(stand, found.row, found.row.requests))
    return figures


def _pair(stand: Stand, row: Row, requests: int) -> tuple[Cost, Cost]:
    calls = row.prepare(stand, requests)
    stand.quiet()
    bare = _run(stand, "bare", _bare_calls(row, calls), row.once, 200)
    ours = _run(stand, "api", calls, row.once, row.wanted)
    return ours, bare


def _bare_calls(row: Row, calls: Sequence[Call]) -> list[Call]:
    """Requests like ours in headers and body, for the bare application."""
    method = "POST" if row.once else "GET"
    like = [
        Call(method, "/", call.token, call.body if row.once else None, call.headers)
        for call in calls
    ]
    return (like * (BARE_REQUESTS // len(like) + 1))[:BARE_REQUESTS]


def _run(stand: Stand, tree: str, calls: Sequence[Call], once: bool, wanted: int) -> Cost:
    """Send `calls` to one of the servers; what can be repeated by wrk, where it is installed."""
    port, scratch = stand.system.ports[tree], stand.system.home
    before = stand.system.used_s()
    if once or not load.has_wrk():
        done = load.send(calls, port, scratch, wanted=wanted)
    else:
        done = load.send_by_wrk(calls, port, scratch, seconds=WRK_SECONDS, wanted=wanted)
    after = stand.system.used_s()
    used = {name: (after[name] - before[name]) * MICROS / done.requests for name in after}
    return Cost(used, done)
