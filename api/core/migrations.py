"""Applying the migrations, from the command line or from the supervisor."""

from functools import cache
from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from api.core import db

DIRECTORY = Path(__file__).parents[2] / "migrations"


def configure(app: Flask) -> None:
    """Give `flask db` to `app`."""
    flask_migrate.Migrate(app, db.db, directory=str(DIRECTORY), render_as_batch=True)


def upgrade(app: Flask) -> None:
    """Bring the database of `app` to the newest schema; quick when it is there already."""
    with app.app_context():
        with db.db.engine.connect() as conn:
            if current(conn) == head():
                return
        flask_migrate.upgrade(directory=str(DIRECTORY))


def current(conn: sa.Connection) -> str | None:
    """The revision of the database."""
    return MigrationContext.configure(conn).get_current_revision()


@cache
def head() -> str | None:
    """The newest revision of the code."""
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY))
    return ScriptDirectory.from_config(config).get_current_head()
