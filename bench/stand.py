"""One seeded installation in a temporary home, with or without its processes."""

import http.client
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask

from api.app import create_app
from api.core import db, events, jobs, migrations
from bench import boards, postgres, seed
from bench.calls import Call
from bench.seed import Organisation
from bench.system import NotReady, System

QUIET_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Stand:
    """A seeded installation; `database` is "sqlite" or "postgres"."""

    database: str
    people: int
    system: System
    app: Flask
    org: Organisation
    attempts: dict[str, str] = field(default_factory=dict)
    fetch: Callable[[Call], Answer] = field(init=False)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.fetch = self._in_process

    def _in_process(self, call: Call) -> Answer:
        heard: list[tuple[int, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            heard.append((int(status[:3]), {name.lower(): value for name, value in headers}))

        body = b"".join(self.app.wsgi_app(call.environ(), start))
        return Answer(*heard[0], body)

    def over_http(self, call: Call) -> Answer:
        """One answer of the serving API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.system.ports["api"], timeout=20)
        try:
            connection.request(call.method, call.path, call.body, call.all_headers())
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def serve(self) -> None:
        """Start the processes; from now on `fetch` asks the API."""
        with self.app.app_context():
            db.db.engine.dispose()
        self.system.start()
        self.fetch = self.over_http

    def running(self) -> dict[str, str]:
        """The active people's running attempts in the open contest, made at the first call."""
        if not self.attempts:
            with self.app.app_context():
                ids = seed.attempts(self.org, self.org.contest, self.org.active, saved=0)
            self.attempts.update(zip(self.org.active, ids, strict=True))
        return self.attempts

    def owed(self) -> bool:
        """Whether the outbox or the jobs hold work."""
        with self.app.app_context():
            return bool(events.pending() or jobs.owed())

    def quiet(self) -> float:
        """Wait until the workers have done everything; returns the seconds it took."""
        began = time.monotonic()
        while self.owed():
            if time.monotonic() - began > QUIET_WITHIN_S:
                raise NotReady("The workers did not come to an end of their work.")
            time.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def stand(database: str, people: int, say: Callable[[str], None]) -> Iterator[Stand]:
    """A seeded stand whose Valkey runs; everything ends with the context."""
    with (
        tempfile.TemporaryDirectory(prefix="leitai-b", ignore_cleanup_errors=True) as home,
        _database(database) as (
            url,
            pid,
        ),
    ):
        system = System(Path(home), url, pid)
        try:
            system.start_valkey()
            app = create_app(system.settings)
            say(f"{database}: seeding {people} people")
            with app.app_context():
                _schema(app)
                org = seed.organisation(people)
                boards.points(org)
                boards.rebuild()
            yield Stand(database, people, system, app, org)
            with app.app_context():
                db.db.engine.dispose()
        except Exception:
            print(system.last_words(), file=sys.stderr)
            raise
        finally:
            system.stop()


@contextmanager
def _database(database: str) -> Iterator[tuple[str, int | None]]:
    if database == "sqlite":
        yield "", None
        return
    with postgres.database() as found:
        yield found


def _schema(app: Flask) -> None:
    if migrations.head():
        migrations.upgrade(app)
        return
    with db.db.engine.begin() as conn:
        db.Base.metadata.create_all(conn)
