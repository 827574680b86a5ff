"""How Alembic reaches our database and models."""

from alembic import context
from flask import current_app

from api.core.db import Base, db

config = context.config


def run() -> None:
    """Run the migrations on the application's own engine."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


assert current_app
run()
