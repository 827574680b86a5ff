"""A whole installation as a test sees it: real processes, and a world made beside them."""

import http.client
import json
import os
import signal
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask

from api.app import create_app
from api.core import db
from api.core.settings import Settings, socket_path
from tests.conftest import SECRET
from tests.factories import Person, World
from tests.workers.system import Installation, alive, command_of, descendants, until

TIMEOUT_S = 20


@dataclass(frozen=True)
class Answer:
    """A reply over a real connection."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class System(Installation):
    """A supervisor with all its processes, in test mode, and an application on its database."""

    def __init__(self, home: Path, database_url: str | None = None) -> None:
        super().__init__(home)
        self.extra = {"LEITAI_TEST_MODE": "1", "SECRET_KEY": SECRET, "LOG_LEVEL": "INFO"}
        if database_url:
            self.extra["DATABASE_URL"] = database_url

    @cached_property
    def app(self) -> Flask:
        """An application on the installation's database, in this process."""
        app = create_app(Settings.from_env(self.environment))
        app.config["PROPAGATE_EXCEPTIONS"] = False
        return app

    @cached_property
    def world(self) -> World:
        return World(self.app)

    def ask(
        self, person: Person | None, method: str, path: str, body: Any = None, **headers: str
    ) -> Answer:
        """One request over a connection of its own; raises OSError where there is no reply."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            sent["Authorization"] = f"Bearer {person.token}"
        content = None
        if body is not None:
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"/api/v1{path}", content, sent)
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def api_workers(self) -> set[int]:
        """The process ids of the API's workers (not of gunicorn's master)."""
        return descendants(self.child("gunicorn"))

    def kill(self, *words: str) -> None:
        """Kill -9 a child and all it started, as a machine would that loses them at once."""
        pid = self.child(*words)
        for process in descendants(pid) | {pid}:
            _kill(process)

    def failpoint(self, name: str, instruction: str) -> None:
        place = self.home / "failpoints"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(instruction)

    def logs(self) -> str:
        """Everything that the installation's processes wrote."""
        return "\n".join(
            path.read_text(errors="replace") for path in sorted((self.home / "log").glob("*"))
        )

    def close(self) -> None:
        self.stop()
        if "app" in self.__dict__:
            with self.app.app_context():
                db.db.engine.dispose()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill(pid: int) -> None:
    """Kill -9 one process of an installation under test."""
    _kill(pid)


__all__ = ["Answer", "System", "alive", "command_of", "descendants", "kill", "socket_path", "until"]
