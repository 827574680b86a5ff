"""Children that end with their parent.

Linux sends a signal of our choice to a process when the thread that made it ends (prctl), so a
`kill -9` of the parent takes its children along; elsewhere a thread watches the parent's id.
Either way the process asks afterwards whether the parent is still the expected one, because it
may have ended before the request was in force.

Standard library only: this is the first thing every child loads.
"""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
WATCH_EVERY_S = 1.0
ORPHANED = 1


def die_with_parent(parent: int) -> None:
    """From now on this process ends when `parent`, its parent, ends."""
    if not ask_kernel():
        watch(parent)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def ask_kernel() -> bool:
    """Ask for SIGKILL at the parent's death; False where the system knows no such thing.

    The request survives exec, and is not inherited by fork.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return False
    return int(prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)) == 0


def watch(parent: int) -> None:
    """End this process soon after `parent` has ended, from a thread that asks every second."""
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_EVERY_S)
    os._exit(ORPHANED)
