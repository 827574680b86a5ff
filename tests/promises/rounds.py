"""How many rounds a promise is tested for, and what happens at the same moment."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

FULL = os.environ.get("LEITAI_ROUNDS") == "full"
PATIENCE_S = 60


def rounds(few: int, full: int) -> int:
    """`few` in an ordinary run, `full` for `make promises`."""
    return full if FULL else few


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each act returns; all start at one barrier, each in a thread of its own.

    An exception in any of them is raised here.
    """
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(index: int) -> None:
        barrier.wait(PATIENCE_S)
        try:
            results[index] = acts[index]()
        except BaseException as error:  # raised again below, in the test's own thread
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
