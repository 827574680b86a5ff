"""One row in this process, through the WSGI application, under cProfile."""

import cProfile
import pstats
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import rows
from bench.calls import Call
from bench.load import RequestsFailed
from bench.rows import Row
from bench.stand import Stand, stand

SHOWN = 25
# The least disturbed of so many runs without the profiler is told.
PLAIN_RUNS = 9
PROJECT = Path(__file__).parents[1]


def profile(name: str, database: str, people: int, requests: int) -> None:
    """Print where the time of a row goes: by own time, and of our functions with what they call.

    Raises RequestsFailed.
    """
    row = rows.named(name)[0]
    with stand(database, people, print) as ground:
        _send(ground, row.prepare(ground, max(requests, len(ground.org.active))), row.wanted)
        micros = min(_micros(ground, row, requests) for _ in range(PLAIN_RUNS))
        profiled = row.prepare(ground, requests)
        profiler = cProfile.Profile()
        profiler.enable()
        _send(ground, profiled, row.wanted)
        profiler.disable()
    print(f"{row.title}, {database}, {people} people: {micros:.0f} µs a request without sockets")
    pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    print("The project's own functions, with what they call:")
    ours = pstats.Stats(profiler, stream=sys.stdout).sort_stats("cumulative")
    ours.print_stats(re.escape(f"{PROJECT}/api/"), SHOWN)


def _micros(ground: Stand, row: Row, requests: int) -> float:
    calls = row.prepare(ground, requests)
    began = time.process_time()
    _send(ground, calls, row.wanted)
    return (time.process_time() - began) * 1e6 / requests


def _send(ground: Stand, calls: Sequence[Call], wanted: int) -> None:
    for call in calls:
        answer = ground.fetch(call)
        if answer.status != wanted:
            raise RequestsFailed(f"{call.method} {call.path}: {answer.status} {answer.body!r}")
