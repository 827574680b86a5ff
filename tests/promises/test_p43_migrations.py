"""P43: the migrations from empty give the models' schema, triggers included; down and up again."""

from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from api.core import db, migrations


@pytest.fixture
def engine(app: Flask) -> Iterator[sa.Engine]:
    """The migrated database of this test."""
    with app.app_context():
        yield db.db.engine


def schema(engine: sa.Engine) -> dict[str, Any]:
    """Columns, keys, constraints and indexes of all tables, and the triggers."""
    inspector = sa.inspect(engine)
    tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
    return {name: _table(inspector, name) for name in tables} | {"triggers": _triggers(engine)}


def _table(inspector: sa.Inspector, name: str) -> dict[str, Any]:
    return {
        "columns": {
            c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)
        },
        "key": inspector.get_pk_constraint(name)["constrained_columns"],
        "foreign": sorted(
            (tuple(k["constrained_columns"]), k["referred_table"])
            for k in inspector.get_foreign_keys(name)
        ),
        "unique": sorted(tuple(u["column_names"]) for u in inspector.get_unique_constraints(name)),
        "checks": sorted(str(c["name"]) for c in inspector.get_check_constraints(name)),
        "indexes": sorted(
            (str(i["name"]), str(i.get("expressions") or i["column_names"]), bool(i["unique"]))
            for i in inspector.get_indexes(name)
        ),
    }


def _triggers(engine: sa.Engine) -> list[tuple[str, ...]]:
    query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    if engine.dialect.name == "postgresql":
        query = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    with engine.connect() as conn:
        return sorted(tuple(map(str, row)) for row in conn.execute(sa.text(query)))


def _emptied(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        db.Base.metadata.drop_all(conn)


def test_p43_the_migrations_give_the_models_schema(engine: sa.Engine) -> None:
    migrated = schema(engine)
    _emptied(engine)
    with engine.begin() as conn:
        db.Base.metadata.create_all(conn)
    declared = schema(engine)
    assert declared["triggers"]
    assert migrated == declared


def test_p43_down_and_up_again(engine: sa.Engine) -> None:
    before = schema(engine)
    flask_migrate.downgrade(directory=str(migrations.DIRECTORY), revision="base")
    assert schema(engine) == {"triggers": []}
    flask_migrate.upgrade(directory=str(migrations.DIRECTORY))
    assert schema(engine) == before


def test_p43_upgrading_what_is_new_changes_nothing(app: Flask, engine: sa.Engine) -> None:
    with engine.connect() as conn:
        assert migrations.current(conn) == migrations.head()
    before = schema(engine)
    migrations.upgrade(app)
    assert schema(engine) == before
