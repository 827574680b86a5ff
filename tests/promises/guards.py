"""Taking the guards away, for negative controls: a test that can't fail proves nothing."""

import re
import sqlite3
import time
from contextlib import nullcontext
from typing import Any

import pytest
import sqlalchemy as sa

from api.core import db
from tests.factories import World


def drop_constraint(world: World, table: str, name: str) -> None:
    """Remove a constraint from a table of this test's database."""
    with world.app.app_context():
        engine = db.db.engine
        if engine.dialect.name == "postgresql":
            with engine.begin() as conn:
                conn.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            return
        engine.dispose()
        _rebuild(str(engine.url.database), table, name)


def drop_index(world: World, name: str) -> None:
    """Remove an index from this test's database."""
    with world.changing() as session:
        session.execute(sa.text(f"DROP INDEX {name}"))


def _rebuild(path: str, table: str, constraint: str) -> None:
    """SQLite can't drop a constraint: the table is made anew without it, as SQLite's own
    documentation describes."""
    with sqlite3.connect(path, isolation_level=None) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        found = raw.execute(
            "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", [table]
        ).fetchall()
        [definition] = [sql for kind, sql in found if kind == "table"]
        bare, removed = re.subn(rf",\s*CONSTRAINT {constraint}\b[^()]*\([^()]*\)", "", definition)
        assert removed == 1, f"{table} has no constraint {constraint}"
        raw.execute("BEGIN IMMEDIATE")
        raw.execute(bare.replace(f"CREATE TABLE {table}", f"CREATE TABLE bare_{table}", 1))
        raw.execute(f"INSERT INTO bare_{table} SELECT * FROM {table}")
        raw.execute(f"DROP TABLE {table}")
        raw.execute(f"ALTER TABLE bare_{table} RENAME TO {table}")
        for kind, sql in found:
            if kind != "table":
                raw.execute(sql)
        raw.execute("COMMIT")
    raw.close()


def let_writers_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite without the file lock and without BEGIN IMMEDIATE: writers no longer queue."""
    monkeypatch.setattr(db, "_fair_lock", nullcontext)
    monkeypatch.setattr(db, "_write_mode", lambda _durable: {"write": None})


def look_before_you_write(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, pause_s: float = 0.0
) -> None:
    """Let a query of the service read outside the transaction that then writes, as code that
    looks and then inserts does; `pause_s` lets the others look too before anybody writes."""
    query = getattr(module, name)

    def looked(*arguments: Any, **options: Any) -> Any:
        with db.db.engine.connect() as conn:
            conn.info.update(write=None, read=True)
            token = db._connection.set(conn)
            try:
                found = query(*arguments, **options)
            finally:
                db._connection.reset(token)
                conn.rollback()
        time.sleep(pause_s)
        return found

    monkeypatch.setattr(module, name, looked)


def scalars(world: World, statement: Any) -> list[Any]:
    with world.looking() as session:
        return list(session.execute(statement).scalars())
