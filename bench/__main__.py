"""`python -m bench`: measure the product against a bare Flask application.

    python -m bench --size 1k|100k [--database sqlite|postgres|both] [--rounds 3] [--rows save,home]
    python -m bench profile ROW [--size 1k] [--database sqlite] [--requests 500]

Starts everything itself, on loopback, in a temporary home.  Exit code 1 if a request failed.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import live, load, profiling, report, rounds, rows, still
from bench.readings import Reading
from bench.rounds import Figures
from bench.stand import Stand, stand
from bench.system import NotReady

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
DATABASES = {"sqlite": ["sqlite"], "postgres": ["postgres"], "both": ["sqlite", "postgres"]}
OTHERS = [*live.LIVE, *still.STILL]
PROJECT = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Do what the arguments say; returns the exit code."""
    options = _options(arguments)
    target = Path(os.environ.get("LEITAI_HOME") or "var").resolve() / f"bench-{options.size}.json"
    os.chdir(PROJECT)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        if options.act == "profile":
            profiling.profile(options.row, options.database, SIZES[options.size], options.requests)
            return 0
        return _measure(options, target, console)
    except (load.RequestsFailed, rows.WrongAnswer, NotReady) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("act", nargs="?", choices=["measure", "profile"], default="measure")
    parser.add_argument("row", nargs="?", help="the row to profile")
    parser.add_argument("--size", choices=SIZES, default="1k")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=500, help="of a profile")
    parser.add_argument("--rows", help=f"of {', '.join([r.name for r in rows.ROWS] + OTHERS)}")
    options = parser.parse_args(arguments)
    profiles = options.act == "profile"
    options.database = options.database or ("sqlite" if profiles else "both")
    known = [row.name for row in rows.ROWS] + ([] if profiles else OTHERS)
    wanted = [options.row] if profiles else (options.rows or known[0]).split(",")
    if any(name not in known for name in wanted):
        parser.error(f"the rows are {', '.join(known)}")
    if profiles and options.database == "both":
        parser.error("profile one database at a time")
    return options


def _measure(options: argparse.Namespace, target: Path, console: Console) -> int:
    wanted = options.rows.split(",") if options.rows else None
    found: dict[str, Any] = {}
    began = time.monotonic()
    for database in DATABASES[options.database]:
        with console.status("") as status:
            figures, readings = _database(options, database, wanted, status.update)
        report.show(console, database, SIZES[options.size], figures, readings)
        found[database] = report.as_json(figures, readings)
    report.write(target, {**_circumstances(options), "databases": found})
    console.print(f"{target}   ({time.monotonic() - began:.0f} s)")
    return 0


def _database(
    options: argparse.Namespace, database: str, wanted: list[str] | None, say: Any
) -> tuple[list[Figures], list[Reading]]:
    chosen = [row for row in rows.ROWS if wanted is None or row.name in wanted]
    with stand(database, SIZES[options.size], say) as ground:
        readings = _readings(still.STILL, ground, wanted, say)
        say(f"{database}: starting")
        ground.serve()
        figures = rounds.measure(ground, chosen, options.rounds, say)
        readings += _readings(live.LIVE, ground, wanted, say)
        if ended := ground.system.ended():
            raise NotReady(f"These ended by themselves: {', '.join(ended)}")
    return figures, readings


def _readings(
    takes: Mapping[str, Callable[[Stand], list[Reading]]], ground: Stand, wanted: Any, say: Any
) -> list[Reading]:
    found: list[Reading] = []
    for name, take in takes.items():
        if wanted is None or name in wanted:
            say(f"{ground.database}: {name}")
            found += take(ground)
    return found


def _circumstances(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "size": SIZES[options.size],
        "rounds": options.rounds,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "driver_of_reads": "wrk" if load.has_wrk() else "own",
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
