"""A PostgreSQL database to measure on: of a private server, or of the one DATABASE_URL names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests import postgres

# The suite's server forgets what a power cut takes; a measured commit must wait for the disk.
DURABLE = {"fsync": "on", "full_page_writes": "on"}


@contextmanager
def database() -> Iterator[tuple[str, int | None]]:
    """A fresh database's URL, and its server's process id if the server was started here."""
    own = not os.environ.get("DATABASE_URL")
    postgres.SETTINGS.update(DURABLE)
    with postgres.server() as server:
        name = f"leitai_bench_{os.getpid()}"
        _execute(server, f"CREATE DATABASE {name}")
        try:
            url = sa.make_url(server).set(database=name)
            yield url.render_as_string(hide_password=False), _pid(url) if own else None
        finally:
            _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _pid(url: sa.URL) -> int:
    place = url.query["host"]
    assert isinstance(place, str)
    return int((Path(place) / "data" / "postmaster.pid").read_text().split()[0])


def _execute(server: str, statement: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(statement)
    engine.dispose()
