"""The product's processes and the yardstick's, started for one measurement and ended after it."""

import http.client
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from api.core.settings import Settings
from bench import cpu
from workers import valkey
from workers.processes import Child, module

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 5.0
# Longer than any measurement, so that no token runs out in the middle.
ACCESS_TOKEN_S = 86400


class NotReady(Exception):
    """A part of the system did not start in time."""


@dataclass
class System:
    """One installation in a home of its own, and a bare application beside it.

    Its processes inherit our environment, which `stop` sets back to what it was.
    """

    home: Path
    database_url: str
    database_pid: int | None
    settings: Settings = field(init=False)
    children: list[Child] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        environment = {
            "LEITAI_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": "",
            "SECRET_KEY": os.urandom(32).hex(),
            "HOST": "127.0.0.1",
            "ACCESS_TOKEN_S": str(ACCESS_TOKEN_S),
            "SEED": "0",
        }
        os.environ.update(environment)
        (self.home / "log").mkdir(parents=True, exist_ok=True)
        self.settings = Settings.from_env()

    def start_valkey(self) -> None:
        """Start Valkey, which seeding needs too."""
        self._launch("valkey", valkey.command(self.settings))
        _await(lambda: valkey.answers(self.settings), "Valkey")

    def start(self) -> None:
        """Start everything else: two APIs (one only for reads beside a load), workers, bare."""
        for name, target in (
            ("api", "wsgi:app"),
            ("reads", "wsgi:app"),
            ("bare", "bench.bare:app"),
        ):
            self._serve(name, target)
        self._launch("relay", module("workers.relay"))
        self._launch("drain", module("workers.worker", "drain"))
        self._launch("heavy", module("workers.worker", "heavy"))
        for name, path in (("api", "/api/v1/readyz"), ("reads", "/api/v1/readyz"), ("bare", "/")):
            _await(partial(self._answers, name, path), name)

    def _answers(self, name: str, path: str) -> bool:
        return _status(self.ports[name], path) == 200

    def _serve(self, name: str, target: str) -> None:
        self.ports[name] = _free_port()
        os.environ["PORT"] = str(self.ports[name])
        self._launch(name, module("gunicorn", "-c", "python:workers.gunicorn_conf", target))

    def _launch(self, name: str, command: list[str]) -> None:
        child = Child(name, command, self.home / "log" / f"{name}.log")
        self.children.append(child)
        child.start()

    def used_s(self) -> Mapping[str, float]:
        """Processor seconds so far by process tree; the database's where it is ours."""
        used = {child.name: cpu.used_s(child.pid) for child in self.children}
        return {**used, "database": cpu.used_s(self.database_pid)}

    def ended(self) -> list[str]:
        """Names of parts that ended by themselves."""
        return [child.name for child in self.children if not child.running]

    def last_words(self, lines: int = 3) -> str:
        """The end of each part's log, for whoever has to find out why something failed."""
        found = []
        for log in sorted((self.home / "log").glob("*.log")):
            ends = log.read_text(errors="replace").strip().splitlines()[-lines:]
            found += [f"{log.stem}: {line[:600]}" for line in ends]
        return "\n".join(found)

    def stop(self) -> None:
        """End what was started, last first; kills what does not end in time."""
        for child in reversed(self.children):
            child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(child.running for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            child.kill()
        os.environ.clear()
        os.environ.update(self.environment)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} was not ready within {READY_WITHIN_S:.0f} s")
        time.sleep(0.05)


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
