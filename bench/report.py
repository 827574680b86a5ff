"""The table and the file."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.readings import Reading
from bench.rounds import Figures

NOISE = 0.3
DECIDING_PAIRS = 10


def verdict(value: float, bound: float | None, *, least: bool = False) -> str:
    """Whether a figure keeps its bound (the most, or the least); near it noise decides."""
    if bound is None:
        return ""
    kept = value >= bound if least else value <= bound
    word = "met" if kept else "missed"
    near = bound * (1 - NOISE) < value < bound * (1 + NOISE)
    return f"{word} ±" if near else word


def costs(database: str, people: int, figures: Sequence[Figures]) -> Table:
    """What a request costs on one database."""
    shown = Table(
        title=f"{database}, {people} people: processor time a request × bare Flask",
        caption=_caption(figures), caption_justify="left",
    )  # fmt: skip
    for name in ("row", "ratio", "of rounds", "bound", "", "µs", "in all", "req/s", "× bare"):
        shown.add_column(name, justify="left" if name in ("row", "") else "right")
    for found in figures:
        shown.add_row(*_cells(database, found))
    return shown


def times(database: str, people: int, readings: Sequence[Reading]) -> Table:
    """What happens at once, and what workers do, on one database."""
    shown = Table(title=f"{database}, {people} people: at once, and behind")
    for name in ("figure", "value", "bound", "", "note"):
        shown.add_column(name, justify="right" if name in ("value", "bound") else "left")
    for reading in readings:
        bound, unit = reading.bound(database), reading.unit
        sign = "≥ " if reading.least else ""
        shown.add_row(
            reading.title,
            f"{reading.value:.4g} {unit}",
            "" if bound is None else f"{sign}{bound:g} {unit}",
            verdict(reading.value, bound, least=reading.least),
            reading.note,
        )
    return shown


def _cells(database: str, found: Figures) -> list[str]:
    ratios = found.ratios()
    ratio = statistics.median(ratios)
    bound = found.row.bound(database)
    return [
        found.row.title,
        f"{ratio:.2f}",
        f"{min(ratios):.2f}-{max(ratios):.2f}",
        "" if bound is None else f"{bound:g}",
        verdict(ratio, bound),
        f"{found.micros():.0f}",
        f"{found.in_all():.2f}",
        f"{found.per_second():.0f}",
        f"{found.throughput():.2f}",
    ]


def _caption(figures: Sequence[Figures]) -> str:
    pairs = min((len(found.pairs) for found in figures), default=0)
    note = "ratio: the API's processes; in all: with the database's and Valkey's.  ±: within 30 % "
    note += "of the bound, where noise decides."
    if pairs < DECIDING_PAIRS:
        note += f"  {pairs} pairs: call nothing met or missed below {DECIDING_PAIRS}."
    return note


def as_json(figures: Sequence[Figures], live: Sequence[Reading]) -> dict[str, Any]:
    """What the file holds of one database."""
    return {
        "rows": [found.as_json() for found in figures],
        "live": [asdict(reading) for reading in live],
    }


def write(path: Path, report: dict[str, Any]) -> None:
    """The figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))


def show(
    console: Console, database: str, people: int, figures: Sequence[Figures],
    readings: Sequence[Reading],
) -> None:  # fmt: skip
    """Print the tables of one database."""
    if figures:
        console.print()
        console.print(costs(database, people, figures))
    if readings:
        console.print()
        console.print(times(database, people, readings))
