"""`python -m workers.relay`: hints at what the database owes, and the schedule.

Requests never touch the queue.  The relay looks at the outbox several times a second; whatever
fails - Valkey away, the database away - is logged once, tried again within a second, and never
keeps the rest from going on.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.app import create_app
from api.core import events, jobs, logs, schedule
from api.core.settings import Settings
from workers.hints import DRAIN, JOB, Hints

LOOK_EVERY_S = 0.15
TICK_EVERY_S = 1.0
REST_AFTER_FAILURE_S = 1.0
CALL_TIMEOUT_S = 0.5


class Duty:
    """One thing the relay does again and again."""

    def __init__(self, name: str, every_s: float, act: Callable[[], object]) -> None:
        self.name = name
        self._every_s = every_s
        self._act = act
        self._due_at = 0.0
        self._trouble: str | None = None

    def attend(self) -> None:
        """Do it if it is due; a failure is logged when it begins and when it changes."""
        if time.monotonic() < self._due_at:
            return
        try:
            self._act()
        except Exception as error:
            self._note(error)
            self._due_at = time.monotonic() + REST_AFTER_FAILURE_S
        else:
            self._note(None)
            self._due_at = time.monotonic() + self._every_s

    def _note(self, error: Exception | None) -> None:
        trouble = type(error).__name__ if error else None
        if trouble == self._trouble:
            return
        self._trouble = trouble
        log = logs.logger("relay").bind(duty=self.name)
        if error is None:
            log.info("goes on")
        elif isinstance(error, redis.ConnectionError | redis.TimeoutError):
            log.warning("Valkey is away; trying on", error=str(error))
        else:
            log.error("failed; trying on", exc_info=error)


class Relay:
    """The relay of one installation; several may run, at the cost of some idle looks."""

    def __init__(self, app: Flask, hints: Hints) -> None:
        self._app = app
        self._hints = hints
        self._runner = f"{socket.gethostname()}:{os.getpid()}"
        self.stop_wanted = False
        self._duties = [
            Duty("outbox", LOOK_EVERY_S, self._hint_at_drains),
            Duty("jobs", LOOK_EVERY_S, self._hint_at_jobs),
            Duty("schedule", TICK_EVERY_S, self._tick),
        ]

    def run(self) -> None:
        """Go on until asked to stop."""
        while not self.stop_wanted:
            for duty in self._duties:
                duty.attend()
            time.sleep(LOOK_EVERY_S)

    def stop(self, *_arguments: Any) -> None:
        """Stop after the present round (a signal handler)."""
        self.stop_wanted = True

    def _hint_at_drains(self) -> None:
        with self._app.app_context():
            owed = events.pending()
        for name in owed:
            self._hints.give(DRAIN, name)

    def _hint_at_jobs(self) -> None:
        with self._app.app_context():
            owed = jobs.owed()
        for job_id in owed:
            self._hints.give(JOB, job_id)

    def _tick(self) -> None:
        with self._app.app_context():
            schedule.tick(self._runner)


def main() -> None:
    """Run the relay of the environment's settings."""
    connection = redis.Redis.from_url(
        Settings.from_env().redis_url,
        socket_timeout=CALL_TIMEOUT_S,
        socket_connect_timeout=CALL_TIMEOUT_S,
        # A connection that a restarted server closed is opened anew once; no longer waits.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
    relay = Relay(create_app(), Hints(connection))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, relay.stop)
    relay.run()


if __name__ == "__main__":
    main()
