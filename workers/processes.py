"""One child process of the supervisor: started, watched, restarted, stopped.

Children are made from the supervisor's main thread only, because on Linux the death signal
follows the thread that made them.  Each leads a session of its own, so that Ctrl-C on the
terminal reaches the supervisor alone, which then stops the children in order.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
STEADY_AFTER_S = 30.0
LOG_TURNOVER_BYTES = 10_000_000


def module(name: str, *arguments: str) -> list[str]:
    """The command of a Python module as a child of this process."""
    return [sys.executable, "-m", "workers.child", str(os.getpid()), name, *arguments]


def program(path: Path, *arguments: str) -> list[str]:
    """The command of another program as a child of this process."""
    return module("--exec", str(path), *arguments)


class Child:
    """A process with a name, a log and a pause before each restart that grows while it fails."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, on_console: bool = False
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.on_console = on_console
        self.started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._pause_s = FIRST_PAUSE_S
        self._due_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or if it was never started."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; its output goes to the log, or to the console if so asked."""
        if self.on_console:
            self._process = self._spawn(None)
        else:
            with _opened(self.log) as log:
                self._process = self._spawn(log)
        self.started_at = time.monotonic()
        self._due_at = None

    def _spawn(self, output: BinaryIO | None) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - the commands are our own
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def tend(self) -> str | None:
        """Restart a dead process when its pause is over; returns a line worth printing."""
        if self._process is None or self.running:
            return None
        now = time.monotonic()
        if self._due_at is None:
            self._due_at = now + self._next_pause(now)
            self.kill()  # what it may have left in its process group
            return f"{self.name} ended ({_in_words(self.exit_code)}) and is restarted"
        if now >= self._due_at:
            self.start()
        return None

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process is not None and self.running:
            self._process.terminate()

    def kill(self) -> None:
        """End the process and whatever is left of its group."""
        if self._process is None:
            return
        # A group outlives its leader; its number isn't given away while it has members.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)

    def last_line(self) -> str:
        """The end of its log, for a sentence to the operator."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "(it is empty)"

    def _next_pause(self, now: float) -> float:
        if now - self.started_at > STEADY_AFTER_S:
            self._pause_s = FIRST_PAUSE_S
        pause = self._pause_s
        self._pause_s = min(pause * 2, LONGEST_PAUSE_S)
        return pause


def _opened(log: Path) -> BinaryIO:
    """The log, opened to append; a long one is first set aside as `.1`."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_TURNOVER_BYTES:
            log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


def _in_words(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
