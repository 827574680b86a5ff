"""One row in this process, through the WSGI application, under cProfile."""

import cProfile
import pstats
import sys
import time
from collections.abc import Sequence

from bench import rows
from bench.calls import Call
from bench.load import RequestsFailed
from bench.stand import Stand, stand

SHOWN = 25


def profile(name: str, database: str, people: int, requests: int) -> None:
    """Print where the time of a row goes: by own time, and with what is called.

    Raises RequestsFailed.
    """
    row = rows.named(name)[0]
    with stand(database, people, print) as ground:
        warm, plain, profiled = (row.prepare(ground, requests) for _ in range(3))
        _send(ground, warm, row.wanted)
        began = time.process_time()
        _send(ground, plain, row.wanted)
        micros = (time.process_time() - began) * 1e6 / requests
        profiler = cProfile.Profile()
        profiler.enable()
        _send(ground, profiled, row.wanted)
        profiler.disable()
    print(f"{row.title}, {database}, {people} people: {micros:.0f} µs a request without sockets")
    statistics = pstats.Stats(profiler, stream=sys.stdout).strip_dirs()
    for order in ("tottime", "cumulative"):
        statistics.sort_stats(order).print_stats(SHOWN)


def _send(ground: Stand, calls: Sequence[Call], wanted: int) -> None:
    for call in calls:
        answer = ground.fetch(call)
        if answer.status != wanted:
            raise RequestsFailed(f"{call.method} {call.path}: {answer.status} {answer.body!r}")
