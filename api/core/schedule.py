"""What is owed to time: attempts past their deadline, contests past their close.

The schedule asks the database, at start-up and every few seconds, so that downtime over a
deadline loses nothing.  One runner at a time holds a lease row; each task is idempotent.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db, logs
from api.core.db import Base

LEASE = timedelta(seconds=10)
RENEW = timedelta(seconds=4)


class Lease(Base):
    """Who may run a schedule, until when."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    runner: Mapped[str] = mapped_column(sa.String(60))
    until: Mapped[datetime]
    seen_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Task:
    """`run()` looks for owed work every `every_s` seconds and does its own transactions.

    It returns how much it did.
    """

    name: str
    every_s: float
    run: Callable[[], int]


_tasks: list[Task] = []
_ran_at: dict[str, float] = {}
_renewed: dict[str, datetime] = {}


def configure(tasks: Sequence[Task]) -> None:
    """Install the tasks."""
    _tasks[:] = tasks
    _ran_at.clear()
    _renewed.clear()


def tick(runner: str) -> list[str]:
    """Run what is due, if this runner holds the lease; returns the names of what did something."""
    if not _hold(runner):
        return []
    worked = []
    for task in _tasks:
        if time.monotonic() - _ran_at.get(task.name, -1e9) >= task.every_s:
            _ran_at[task.name] = time.monotonic()
            if _guarded(task):
                worked.append(task.name)
    return worked


def _guarded(task: Task) -> int:
    try:
        return task.run()
    except Exception:
        logs.logger("schedule").exception("task failed", task=task.name)
        return 0


def _hold(runner: str) -> bool:
    now = clock.now()
    renewed = _renewed.get(runner)
    if renewed and renewed <= now < renewed + RENEW:
        return True
    values = {"name": "schedule", "runner": runner, "until": now + LEASE, "seen_at": now}
    with db.transaction() as conn:
        statement = db.insert(Lease).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={key: values[key] for key in ("runner", "until", "seen_at")},
            where=sa.or_(Lease.runner == runner, Lease.until < now),
        )
        held = conn.execute(statement.returning(Lease.name)).first() is not None
    if held:
        _renewed[runner] = now
    return held


def seen_at() -> datetime | None:
    """When the schedule was last held; inside reading()."""
    return db.connection().scalar(sa.select(Lease.seen_at).where(Lease.name == "schedule"))
