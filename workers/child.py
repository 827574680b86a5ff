"""How the supervisor's children start: tie the process to its parent, then become the program.

    python -m workers.child PARENT MODULE [ARGUMENT...]
    python -m workers.child PARENT --exec PATH [ARGUMENT...]

`PARENT` is the process id of the supervisor.  The tie is made here, in the child, because code
run between fork and exec (`preexec_fn`) may deadlock.
"""

import os
import runpy
import signal
import subprocess
import sys
import time

from workers import parentage


def main(arguments: list[str]) -> None:
    """Run what the arguments name."""
    parent = int(arguments[0])
    if arguments[1] == "--exec":
        execute(parent, arguments[2:])
        return
    parentage.die_with_parent(parent)
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


def execute(parent: int, command: list[str]) -> None:
    """Become `command`; where the kernel can't tie it to the parent, stay beside it and watch."""
    if not parentage.ask_kernel():
        sys.exit(accompany(parent, command))
    if os.getppid() != parent:
        sys.exit(parentage.ORPHANED)
    os.execv(command[0], command)  # noqa: S606 - the path is the caller's, no shell is wanted


def accompany(parent: int, command: list[str]) -> int:
    """Run `command`, end it when `parent` ends, and return its exit code."""
    process = subprocess.Popen(command)  # noqa: S603 - the command is the supervisor's own
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while process.poll() is None:
        if os.getppid() != parent:
            process.kill()
        time.sleep(parentage.WATCH_EVERY_S / 10)
    return process.returncode


if __name__ == "__main__":
    main(sys.argv[1:])
