"""Named places where a test may kill the process or make it wait.

Inert unless the process runs in test mode and `LEITAI_FAILPOINTS` names a directory; a file
there, called like the point, holds "kill", "raise", or "sleep SECONDS".  A file `NAME.once` is
moved away before it acts, so that the restarted process passes.
"""

import os
import signal
import time
from pathlib import Path

_directory: list[Path] = []


class FailpointHit(Exception):
    """A test asked this place to fail."""


def enable(directory: Path) -> None:
    """Look for instructions in `directory` from now on (test mode only)."""
    _directory[:] = [directory]


def failpoint(name: str) -> None:
    """Do what a test asked for at `name`; nothing otherwise."""
    if not _directory:
        return
    _act(_instruction(_directory[0] / name), name)


def _instruction(path: Path) -> str:
    if path.exists():
        return path.read_text().strip()
    once = path.with_name(path.name + ".once")
    try:
        taken = once.with_name(f"{once.name}.{os.getpid()}")
        once.rename(taken)
    except FileNotFoundError:
        return ""
    return taken.read_text().strip()


def _act(instruction: str, name: str) -> None:
    if instruction == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif instruction == "raise":
        raise FailpointHit(name)
    elif instruction.startswith("sleep "):
        time.sleep(float(instruction.removeprefix("sleep ")))
