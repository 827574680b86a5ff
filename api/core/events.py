"""Announcing upward: events, the outbox, and draining it.

`emit` adds one outbox row per (event, reaction) in the caller's transaction.  The relay sees the
rows and asks a worker to `drain` a reaction; the queue is a hint, the rows are the truth.

A *database* reaction is applied and its rows deleted in one transaction: exactly once.  An
*outside* reaction (boards in Valkey, messages) acts first and deletes afterwards: at least
once, so it must write absolute values under stable ids.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db, logs
from api.core.db import Base
from api.core.failpoints import failpoint
from api.core.valkey import ValkeyDown

MAX_TRIES = 5
BATCH = 300
_INSTANTS = (datetime, datetime | None, "datetime", "datetime | None")
MAX_BATCHES = 40
Apply = Callable[[Sequence[Any]], None]


class OutboxRow(Base):
    """One event on its way to one reaction; `dead` after too many tries."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(db.BigKey, primary_key=True)
    reaction: Mapped[str] = mapped_column(sa.String(60))
    event: Mapped[str] = mapped_column(sa.String(60))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    dead: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(sa.String(400))
    __table_args__ = (sa.Index(None, "reaction", "dead", "id"),)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows from events of the types `on`: `apply` gets a batch, oldest first."""

    name: str
    on: tuple[type, ...]
    apply: Apply
    outside: bool = False


_INSERT = sa.insert(db.table(OutboxRow))
_reactions: dict[str, Reaction] = {}
_by_event: dict[type, list[Reaction]] = {}
_types: dict[str, type] = {}


def configure(reactions: Sequence[Reaction]) -> None:
    """Install the one table of who reacts to what."""
    _reactions.clear()
    _by_event.clear()
    for reaction in reactions:
        _reactions[reaction.name] = reaction
        for event in reaction.on:
            _by_event.setdefault(event, []).append(reaction)
            _types[event.__name__] = event


def table() -> list[Reaction]:
    """All reactions, for `flask events`."""
    return list(_reactions.values())


def emit(*events: Any) -> None:
    """Announce `events` in the transaction in force: one statement for all of them."""
    now = clock.now()
    rows = [
        {
            "reaction": reaction.name,
            "event": type(event).__name__,
            "payload": _plain(event),
            "created_at": now,
            "due_at": now,
            "tries": 0,
            "dead": False,
        }
        for event in events
        for reaction in _by_event.get(type(event), ())
    ]
    if rows:
        db.connection().execute(_INSERT, rows)


def pending() -> list[str]:
    """Names of the reactions with rows to drain now."""
    statement = (
        sa.select(OutboxRow.reaction)
        .where(~OutboxRow.dead, OutboxRow.due_at <= clock.now())
        .distinct()
    )
    with db.reading() as conn:
        return [name for name in conn.execute(statement).scalars() if name in _reactions]


def waiting(kind: type) -> list[Any]:
    """The events of a type that some reaction has still to see, set aside or not, oldest first."""
    table = OutboxRow.__table__.c
    statement = sa.select(table.event, table.payload).where(table.event == kind.__name__)
    return [_event(row) for row in db.connection().execute(statement.order_by(table.id))]


def hold(name: str) -> None:
    """Keep others from draining a reaction until the transaction in force ends.

    On SQLite nobody else writes meanwhile anyway.
    """
    if not db.on_sqlite():
        db.connection().execute(sa.select(sa.func.pg_advisory_xact_lock(_hash_text(name))))


def drain(name: str) -> int:
    """Apply a reaction to what is owed to it; returns how many rows were drained.

    Running it twice at once is harmless: the second finds the reaction taken and returns 0.
    """
    reaction = _reactions[name]
    drained = 0
    with _alone(name) as alone:
        for _round in range(MAX_BATCHES if alone else 0):
            count = _drain_batch(reaction)
            drained += count
            if count < BATCH:
                break
    return drained


def _drain_batch(reaction: Reaction) -> int:
    try:
        return _outside(reaction) if reaction.outside else _inside(reaction, BATCH)
    except ValkeyDown:
        return 0
    except Exception:
        logs.logger("events").exception("batch failed", reaction=reaction.name)
        return _one_by_one(reaction)


def _inside(reaction: Reaction, limit: int) -> int:
    with db.transaction():
        rows = _owed(reaction.name, limit)
        if rows:
            reaction.apply([_event(row) for row in rows])
            failpoint(f"drain.{reaction.name}.applied")
            _delete(rows)
    return len(rows)


def _outside(reaction: Reaction) -> int:
    with db.reading():
        rows = _owed(reaction.name, BATCH)
    if rows:
        reaction.apply([_event(row) for row in rows])
        failpoint(f"drain.{reaction.name}.applied")
        with db.transaction():
            _delete(rows)
    return len(rows)


def _one_by_one(reaction: Reaction) -> int:
    """Retry a failed batch row by row, so that only the poison is set aside."""
    with db.reading():
        rows = _owed(reaction.name, BATCH)
    done = 0
    for row in rows:
        try:
            _single(reaction, row)
            done += 1
        except ValkeyDown:
            break
        except Exception as error:
            _count_failure(row, error)
    return done


def _single(reaction: Reaction, row: Any) -> None:
    if reaction.outside:
        reaction.apply([_event(row)])
        with db.transaction():
            _delete([row])
    else:
        with db.transaction():
            reaction.apply([_event(row)])
            _delete([row])


def _count_failure(row: Any, error: Exception) -> None:
    tries = row.tries + 1
    with db.transaction() as conn:
        conn.execute(
            sa.update(OutboxRow)
            .where(OutboxRow.id == row.id)
            .values(
                tries=tries,
                dead=tries >= MAX_TRIES,
                due_at=clock.now() + timedelta(seconds=min(60, 2**tries)),
                error=type(error).__name__,
            )
        )


def requeue(reaction: str | None = None) -> int:
    """Give dead rows (of one reaction, or all) another round of tries; returns how many."""
    statement = sa.update(OutboxRow).where(OutboxRow.dead)
    if reaction:
        statement = statement.where(OutboxRow.reaction == reaction)
    values = {"dead": False, "tries": 0, "due_at": clock.now()}
    return int(db.connection().execute(statement.values(values)).rowcount)


def backlog() -> dict[str, int]:
    """Rows waiting and dead: {"pending": n, "dead": n}; inside reading()."""
    rows = db.connection().execute(
        sa.select(OutboxRow.dead, sa.func.count()).group_by(OutboxRow.dead)
    )
    counts = {bool(dead): count for dead, count in rows}
    return {"pending": counts.get(False, 0), "dead": counts.get(True, 0)}


def _owed(name: str, limit: int) -> Sequence[Any]:
    table = OutboxRow.__table__.c
    statement = (
        sa.select(table.id, table.event, table.payload, table.tries)
        .where(table.reaction == name, ~table.dead, table.due_at <= clock.now())
        .order_by(table.id)
        .limit(limit)
    )
    return db.connection().execute(statement).all()


def _delete(rows: Sequence[Any]) -> None:
    ids = [row.id for row in rows]
    db.connection().execute(sa.delete(OutboxRow).where(OutboxRow.id.in_(ids)))


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """Hold the reaction for this process: a lock that dies with its holder."""
    engine = db.db.engine
    if engine.dialect.name == "sqlite":
        yield from _file_lock(f"{engine.url.database}.drain-{name}.lock")
        return
    key = _hash_text(name)
    with engine.connect() as conn:
        held = conn.scalar(sa.select(sa.func.pg_try_advisory_lock(key)))
        conn.rollback()
        try:
            yield bool(held)
        finally:
            if held:
                conn.execute(sa.select(sa.func.pg_advisory_unlock(key)))
                conn.rollback()


def _hash_text(text: str) -> int:
    """A stable 56-bit number of a text, for advisory locks."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def _file_lock(path: str) -> Iterator[bool]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _plain(event: Any) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(event, option=orjson.OPT_UTC_Z))
    return plain


def _event(row: Any) -> Any:
    kind = _types[row.event]
    values = dict(row.payload)
    for field in fields(kind):
        if field.type in _INSTANTS and values.get(field.name) is not None:
            values[field.name] = datetime.fromisoformat(values[field.name]).astimezone(UTC)
    return kind(**values)
