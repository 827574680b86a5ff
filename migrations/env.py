"""How Alembic reaches our database and models."""

from typing import Any

from alembic import context
from flask import current_app

from api.core.db import Base, Id, Instant, db

assert current_app


def render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """Our own column types by their names, in migrations that Alembic drafts."""
    if kind == "type" and isinstance(item, (Id, Instant)):
        autogen.imports.add("from api.core import db")
        return f"db.{type(item).__name__}()"
    return False


def run() -> None:
    """Run the migrations on the application's own engine."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            render_item=render_item,
            compare_type=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
