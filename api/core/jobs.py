"""Long work: one row with a cursor, done in short steps, each its own transaction.

A kind of job has `prepare` (slow, outside any transaction: read a file, compute) and `apply`
(brief, inside one transaction together with the cursor).  Killed anywhere, a job goes on from its
last committed step as soon as its lease has run out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.core import clock, db, logs
from api.core.db import Base, Id, new_id
from api.core.errors import Problem
from api.core.failpoints import failpoint
from api.core.i18n import DEFAULT_LANGUAGE, Text, _

LEASE = timedelta(seconds=8)
MAX_TRIES = 3
OPEN_STATES = ("queued", "running", "cancelling")


class Job(Base):
    """The state of long work, as `GET /jobs/{id}` shows it."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(sa.String(60))
    state: Mapped[str] = mapped_column(sa.String(12), default="queued", index=True)
    args: Mapped[dict[str, Any]]
    cursor: Mapped[dict[str, Any]]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    result: Mapped[dict[str, Any]]
    errors: Mapped[list[Any]]
    member_id: Mapped[str | None] = mapped_column(Id, index=True)
    runner: Mapped[str | None] = mapped_column(sa.String(60))
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What a step achieved.  `cursor` None ends the job; `result` and `errors` then are final."""

    cursor: dict[str, Any] | None
    done: int = 0
    total: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    errors: Sequence[Any] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of long work.

    `prepare(job)` runs outside any transaction and may open `reading()`; what it returns goes to
    `apply(job, prepared)`, which runs inside the step's transaction and returns a Step.
    """

    name: str
    prepare: Callable[[Job], Any]
    apply: Callable[[Job, Any], Step]


class _LostLease(Exception):
    """Somebody else took the job over; this runner stops."""


_kinds: dict[str, Kind] = {}


def configure(kinds: Sequence[Kind]) -> None:
    """Install the kinds of jobs."""
    _kinds.clear()
    _kinds.update({kind.name: kind for kind in kinds})


def kinds() -> list[str]:
    """The names of all kinds."""
    return list(_kinds)


def start(kind: str, args: dict[str, Any], *, member_id: str | None = None) -> Job:
    """Add a job to the transaction in force; the relay finds it.  `args` must hold no secrets."""
    assert kind in _kinds, kind
    job = Job(
        kind=kind, args=args, cursor={}, result={}, errors=[], member_id=member_id,
        created_at=clock.now(), done=0, tries=0, state="queued",
    )  # fmt: skip
    db.session().add(job)
    db.session().flush()
    return job


def owed() -> list[str]:
    """Ids of the jobs that nobody runs."""
    now = clock.now()
    free = sa.or_(Job.lease_until.is_(None), Job.lease_until < now)
    statement = sa.select(Job.id).where(Job.state.in_(OPEN_STATES), free).order_by(Job.created_at)
    with db.reading() as conn:
        return list(conn.execute(statement.limit(20)).scalars())


def run(job_id: str) -> None:
    """Run a job to its end, unless somebody else holds it."""
    runner = new_id()
    if not _take(job_id, runner):
        return
    try:
        while _step(job_id, runner):
            failpoint("job.between_steps")
    except _LostLease:
        logs.logger("jobs").info("lease lost", job_id=job_id)
    except Exception as error:
        logs.logger("jobs").exception("job failed", job_id=job_id)
        _count_failure(job_id, runner, error)


def _take(job_id: str, runner: str) -> bool:
    now = clock.now()
    free = sa.or_(Job.lease_until.is_(None), Job.lease_until < now)
    statement = (
        sa.update(Job)
        .where(Job.id == job_id, Job.state.in_(OPEN_STATES), free)
        .values(
            runner=runner,
            lease_until=now + LEASE,
            state=sa.case((Job.state == "queued", "running"), else_=Job.state),
        )
        .returning(Job.id)
    )
    with db.transaction() as conn:
        return conn.execute(statement).first() is not None


def _step(job_id: str, runner: str) -> bool:
    with db.reading():
        job = db.session().get_one(Job, job_id)
        db.session().expunge(job)
    if job.state == "cancelling":
        return _finish_cancelled(job_id, runner)
    kind = _kinds[job.kind]
    prepared = kind.prepare(job)
    failpoint(f"job.{job.kind}.prepared")
    with db.transaction():
        held = _held(job_id, runner)
        step = kind.apply(held, prepared)
        failpoint(f"job.{job.kind}.applied")
        _advance(held, step)
    return step.cursor is not None


def keep(job: Job) -> None:
    """Extend the lease in the midst of a long `prepare`; call it often, outside transactions.

    It writes only when a quarter of the lease is gone.  Stops this runner if somebody else took
    the job over.
    """
    now = clock.now()
    if job.lease_until is not None and job.lease_until - now > LEASE * 3 / 4:
        return
    mine = sa.update(Job).where(Job.id == job.id, Job.runner == job.runner)
    with db.transaction() as conn:
        if not conn.execute(mine.values(lease_until=now + LEASE)).rowcount:
            raise _LostLease
    job.lease_until = now + LEASE


def _held(job_id: str, runner: str) -> Job:
    """The row, locked, if this runner still holds it: the fence against a second runner."""
    job = db.session().get(Job, job_id, with_for_update=True)
    if job is None or job.runner != runner:
        raise _LostLease
    return job


def _advance(job: Job, step: Step) -> None:
    now = clock.now()
    job.done, job.total = step.done, step.total if step.total is not None else job.total
    job.tries = 0
    if step.cursor is not None:
        job.cursor = step.cursor
        job.lease_until = now + LEASE
        return
    job.state = "failed" if step.failed else "done"
    job.result, job.errors = step.result, list(step.errors)
    job.finished_at, job.lease_until = now, None


def _finish_cancelled(job_id: str, runner: str) -> bool:
    with db.transaction():
        job = _held(job_id, runner)
        job.state, job.finished_at, job.lease_until = "cancelled", clock.now(), None
    return False


def _count_failure(job_id: str, runner: str, error: Exception) -> None:
    with db.transaction():
        try:
            job = _held(job_id, runner)
        except _LostLease:
            return
        job.tries += 1
        job.lease_until = clock.now() + timedelta(seconds=2**job.tries)
        if isinstance(error, Problem) or job.tries >= MAX_TRIES:
            job.state, job.finished_at, job.lease_until = "failed", clock.now(), None
            job.errors = [_problem(error)]


def _problem(error: Exception) -> dict[str, Any]:
    """What people may see of a failure; the log has the rest."""
    if isinstance(error, Problem):
        return {"code": error.code, "message": _stored(error.detail)}
    return {"code": "internal", "message": _stored(_("The job failed; the log has its id."))}


def _stored(text: Text) -> dict[str, Any]:
    return {"template": text.template, "params": dict(text.params)}


def cancel(job: Job) -> None:
    """Ask a job to stop after its present step; one that has just ended stays as it ended."""
    db.session().refresh(job, with_for_update=True)
    if job.state in OPEN_STATES:
        job.state = "cancelling"


def row_error(row: int, column: str, value: str, expected: Text) -> dict[str, Any]:
    """What is wrong in one row of an imported file; translated when it is read."""
    return {
        "row": row,
        "column": column,
        "value": value[:80],
        "message": _stored(expected),
    }


def _told(error: dict[str, Any], language: str) -> dict[str, Any]:
    message = error.get("message")
    if not isinstance(message, dict):
        return error
    text = Text(message["template"], message["params"])
    return {**error, "message": text.in_language(language)}


def as_json(job: Job, language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """A job as the API shows it, errors in the reader's language."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "result": job.result,
        "errors": [_told(error, language) for error in job.errors],
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
