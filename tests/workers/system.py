"""Real processes in a home of their own; found by process id, never by name."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def until(holds: Callable[[], object], seconds: float = 30.0) -> float:
    """Wait until `holds()`; returns how long it took, fails after `seconds`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not so within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes() -> dict[int, int]:
    """The parent of each living process (a zombie is dead: only its entry waits to be read)."""
    if not Path("/proc/self/stat").exists():
        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
        )
        rows = (line.split() for line in listing.stdout.splitlines())
        return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}
    found = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (directory / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state != "Z":
                    found[int(directory.name)] = int(parent)
    return found


def descendants(ancestor: int) -> set[int]:
    """The living children of a process, their children, and so on."""
    parents = processes()
    found: set[int] = set()
    frontier = {ancestor}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier}
        found |= frontier
    return found


def alive(pids: set[int]) -> set[int]:
    return pids & processes().keys()


class Installation:
    """A supervisor on a temporary home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.extra: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        # What is tested here is processes, not databases: the outer choice is left out.
        outer = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        own = {"LEITAI_HOME": str(self.home), "PORT": str(self.port), "SEED": "0"}
        return {**outer, **own, **self.extra}

    def launch(self) -> "subprocess.Popen[str]":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workers.supervisor"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As a terminal would start it: a group that Ctrl-C goes to.
            start_new_session=True,
        )
        return self.process

    def start(self) -> float:
        """Start; returns the seconds until the API is ready."""
        process = self.launch()
        return until(lambda: self.status("/api/v1/readyz") == 200 or process.poll(), 60.0)

    def refusal(self) -> str:
        """Start something that can't start; returns what it said to the operator."""
        process = self.launch()
        _, error = process.communicate(timeout=30)
        assert process.returncode == 1
        return error

    def status(self, path: str) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def child(self, *words: str) -> int:
        """The process id of the direct child whose command has `words`."""
        for pid, parent in processes().items():
            if parent == self.pid and all(word in command_of(pid) for word in words):
                return pid
        raise AssertionError(f"no child {words}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the supervisor, whatever state it is in."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.communicate(timeout=10)


def command_of(pid: int) -> str:
    path = Path(f"/proc/{pid}/cmdline")
    if path.exists():
        return path.read_bytes().replace(b"\0", b" ").decode()
    listing = subprocess.run(
        ["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
    )
    return listing.stdout
