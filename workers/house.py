"""The processes of one installation: started in order, kept running, stopped in reverse order."""

import http.client
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.core.settings import BadSettings, Settings
from workers import checks, valkey
from workers.checks import CannotStart
from workers.processes import Child, module

TURN_S = 0.05
VALKEY_WITHIN_S = 20.0
API_WITHIN_S = 60.0
READY_WITHIN_S = 20.0
STOP_WITHIN_S = 3.0
VALKEY_STOP_WITHIN_S = 1.0


class Stopped(Exception):
    """The operator asked to stop."""


def run() -> int:
    """Run the system of the environment's settings; returns the exit code."""
    try:
        settings = Settings.from_env()
        checks.home_is_writable(settings.home)
        lock = checks.only_supervisor(settings.home)  # noqa: F841 - held until the process ends
        sample = checks.sample_is_wanted(settings)
        checks.port_is_free(settings)
    except (BadSettings, CannotStart) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return House(settings, sample=sample).run()


class House:
    """All processes of one installation."""

    def __init__(self, settings: Settings, *, sample: bool) -> None:
        self.settings = settings
        self.sample = sample
        self.valkey: Child | None = None
        self.children: list[Child] = []
        self.stop_wanted = False

    def run(self) -> int:
        """Start, keep running until asked to stop, stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            while True:
                self._turn()
        except Stopped:
            return 0
        except CannotStart as refusal:
            print(refusal, file=sys.stderr)
            return 1
        finally:
            self._stop()

    def _on_signal(self, *_arguments: Any) -> None:
        # Only noted here, so that no process can be lost between its start and its entry.
        self.stop_wanted = True

    # --- start ---------------------------------------------------------------------------

    def _start(self) -> None:
        began = time.monotonic()
        if self.settings.embedded_valkey:
            self.valkey = self._launch("valkey", valkey.command(self.settings))
        self._migrate()
        self._await_valkey()
        gunicorn = module("gunicorn", "-c", "python:workers.gunicorn_conf", "wsgi:app")
        self._await_api(self._launch("api", gunicorn))
        # After it, so that what people wait for needn't share the processor with what follows.
        self._launch("relay", module("workers.relay"))
        self._launch("drain", module("workers.worker", "drain"))
        self._launch("heavy", module("workers.worker", "heavy"))
        self._await_readiness()
        _say(f"ready in {time.monotonic() - began:.1f} s")
        if self.sample:
            self._play_sample()
        _say(f"API            {self._url}/api/v1")
        _say(f"documentation  {self._url}/docs")
        sign_ins = self.settings.home / "sample-sign-ins.txt"
        if sign_ins.exists():
            _say(f"sample sign-ins  {sign_ins}")
        _say(f"data and logs  {self.settings.home}   (Ctrl-C stops)")

    def _launch(self, name: str, command: list[str], *, on_console: bool = False) -> Child:
        child = Child(name, command, self._log(name), on_console=on_console)
        self.children.append(child)
        child.start()
        return child

    def _migrate(self) -> None:
        migration = self._launch("migrate", module("workers.migrate"))
        self._finish(migration)
        if migration.exit_code:
            raise CannotStart(
                f"The database can't be brought up to date: {migration.last_line()} "
                f"(see {migration.log})."
            )

    def _await_valkey(self) -> None:
        if self.valkey is None:
            return
        child = self.valkey
        if not self._within(VALKEY_WITHIN_S, lambda: valkey.answers(self.settings), child):
            raise CannotStart(f"Valkey doesn't start: {child.last_line()} (see {child.log}).")

    def _await_api(self, child: Child) -> None:
        if not self._within(API_WITHIN_S, lambda: self._status("/api/v1/healthz") == 200, child):
            raise CannotStart(f"The API doesn't start: {child.last_line()} (see {child.log}).")

    def _await_readiness(self) -> None:
        """A part that isn't ready in time is worth a word, not a reason to stop."""
        if not self._within(READY_WITHIN_S, lambda: self._status("/api/v1/readyz") == 200):
            _say("not all parts are ready; /api/v1/readyz tells which")

    def _play_sample(self) -> None:
        command = module("samples.play", "--base-url", self._url)
        player = self._launch("sample", command, on_console=True)
        self._finish(player)
        if player.exit_code:
            _say("the sample could not be played to its end; the next start tries again")

    def _finish(self, child: Child) -> None:
        """Wait for a process that ends by itself, tending the others meanwhile."""
        self.children.remove(child)
        try:
            while child.running:
                self._turn()
        finally:
            child.kill()

    # --- run -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Look after every process once, and rest; raises Stopped."""
        for child in self.children:
            line = child.tend()
            if line:
                _say(line)
        if self.stop_wanted:
            raise Stopped
        time.sleep(TURN_S)

    def _within(
        self, seconds: float, holds: Callable[[], bool], child: Child | None = None
    ) -> bool:
        """Whether it holds within that time; False at once if the child it depends on ends."""
        deadline = time.monotonic() + seconds
        while not holds():
            ended = child is not None and child.exit_code is not None
            if ended or time.monotonic() > deadline:
                return False
            self._turn()
        return True

    def _status(self, path: str) -> int | None:
        connection = http.client.HTTPConnection(self._address, self.settings.port, timeout=2.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    # --- stop ----------------------------------------------------------------------------

    def _stop(self) -> None:
        """Everything ends within 5 s: asked last to first, Valkey after all that use it."""
        _say("stopping")
        users = [child for child in reversed(self.children) if child is not self.valkey]
        for child in users:
            child.terminate()
        _end(users, STOP_WITHIN_S)
        if self.valkey is not None and self.valkey.running:
            valkey.shut_down(self.settings)
            self.valkey.terminate()
            _end([self.valkey], VALKEY_STOP_WITHIN_S)
        _say("stopped")

    # --- names ---------------------------------------------------------------------------

    def _log(self, name: str) -> Path:
        return self.settings.home / "log" / f"{name}.log"

    @property
    def _address(self) -> str:
        """Where this machine reaches the API: a host that means "all" isn't an address."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104 - compared, not bound
            self.settings.host, self.settings.host
        )

    @property
    def _url(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"http://{host}:{self.settings.port}"


def _end(children: list[Child], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(TURN_S)
    for child in children:
        child.kill()


def _say(line: str) -> None:
    print(f"leitai: {line}", flush=True)
