"""Counting what a request costs: SQL statements, commits, trips to Valkey."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask

from api.core import db, valkey

BOOKKEEPING = ("PRAGMA", "BEGIN")
# Read once a second by each process, whatever it is asked.
ONCE_A_SECOND = (
    "FROM revocations", "FROM point_rules", "FROM boards", "FROM board_seasons", "outbox.event =",
)  # fmt: skip


@dataclass
class Costs:
    """What happened while counting."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0
    trips: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """(statements, commits, trips)."""
        return len(self.statements), self.commits, self.trips


@contextmanager
def counted(app: Flask) -> Iterator[Costs]:
    """Count on the application's engine and, by the server's own count, at its Valkey."""
    costs = Costs()

    def statement(_conn: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        often = not any(table in text for table in ONCE_A_SECOND)
        if often and not text.startswith(BOOKKEEPING):
            costs.statements.append(text)

    def commit(_conn: Any) -> None:
        costs.commits += 1

    with app.app_context():
        engine = db.db.engine
    sa.event.listen(engine, "before_cursor_execute", statement)
    sa.event.listen(engine, "commit", commit)
    before = _commands()
    try:
        yield costs
    finally:
        sa.event.remove(engine, "before_cursor_execute", statement)
        sa.event.remove(engine, "commit", commit)
        # The count itself is one command.
        costs.trips = _commands() - before - 1


def _commands() -> int:
    """Commands that clients sent, those run inside scripts left out."""
    stats = valkey.client().info("commandstats")
    outside = ("evalsha", "eval", "script|load", "hello", "client|setinfo", "info")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in outside)
