"""The one list of parts and the one table of who reacts to what."""

import tomllib
from functools import cache
from pathlib import Path

import orjson
from flask import Flask

from api.core import (
    auth,
    clock,
    db,
    events,
    failpoints,
    handlers,
    jobs,
    logs,
    migrations,
    openapi,
    people_pages,
    schedule,
    valkey,
)
from api.core.events import Reaction
from api.core.http import Operation
from api.core.jobs import Kind
from api.core.routes import routes as system_routes
from api.core.schedule import Task
from api.core.settings import Settings
from api.org import queries as org_queries

ROUTES = [
    system_routes,
]

REACTIONS: list[Reaction] = []

JOBS: list[Kind] = []

TASKS: list[Task] = []


def create_app(settings: Settings | None = None) -> Flask:
    """The application.  `settings` default to the environment's."""
    settings = settings or Settings.from_env()
    app = Flask("leitai", static_folder=None)
    app.extensions["leitai.settings"] = settings
    app.extensions["leitai.version"] = _version()
    logs.configure(settings.log_level)
    _test_mode(settings)
    db.configure(app, settings)
    migrations.configure(app)
    valkey.configure(settings.redis_url)
    auth.configure(app, settings, org_queries.path_of)
    handlers.configure(app, settings)
    for routes in ROUTES:
        routes.register(app)
    events.configure(REACTIONS)
    jobs.configure(JOBS)
    schedule.configure(TASKS)
    app.extensions["leitai.openapi"] = cache(lambda: document(app))
    people_pages.register(app)
    return app


def operations(app: Flask) -> list[Operation]:
    """All declared operations."""
    found: list[Operation] = app.extensions["leitai.operations"]
    return found


def document(app: Flask) -> bytes:
    """The OpenAPI document as JSON."""
    return orjson.dumps(
        openapi.document(operations(app), app.extensions["leitai.version"]),
        option=orjson.OPT_INDENT_2,
    )


def _test_mode(settings: Settings) -> None:
    if settings.test_mode:
        clock.follow(settings.home / "test-clock")
        failpoints.enable(settings.home / "failpoints")


def _version() -> str:
    """The project's version; it runs from its own tree, so that is where the number stands."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    found: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return found
