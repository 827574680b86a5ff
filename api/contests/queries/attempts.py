"""Reading attempts; the busy ones with Core statements."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt, Contest
from api.core import db
from api.core.errors import NotFound

_attempt = Attempt.__table__.c
_contest = Contest.__table__.c
_WITH_CONTEST = sa.select(
    Attempt.__table__,
    _contest.version.label("contest_version"),
    _contest.state.label("contest_state"),
    _contest.paused_at,
    _contest.closes_at,
    _contest.released_at,
    _contest.unit_id.label("contest_unit_id"),
    _contest.body_id,
).join_from(Attempt.__table__, Contest.__table__, _contest.id == _attempt.contest_id)
_MINE = _WITH_CONTEST.where(
    _attempt.id == sa.bindparam("attempt_id"), _attempt.member_id == sa.bindparam("member_id")
)
_MINE_LOCKED = _MINE.with_for_update(of=Attempt.__table__)


def mine(attempt_id: str, member_id: str, *, lock: bool = False) -> Any:
    """One's own attempt with its contest's state; raises NotFound for anybody else's.

    `lock` holds the row until the transaction ends, so that saves and submits of one attempt
    queue (SQLite's writers queue anyway).
    """
    statement = _MINE_LOCKED if lock else _MINE
    values = {"attempt_id": attempt_id, "member_id": member_id}
    row = db.connection().execute(statement, values).first()
    if row is None:
        raise NotFound
    return row


def by_id(attempt_id: str, *, lock: bool = False) -> Any:
    """Any attempt with its contest's state, or None."""
    statement = _WITH_CONTEST.where(_attempt.id == attempt_id)
    if lock:
        statement = statement.with_for_update(of=Attempt.__table__)
    return db.connection().execute(statement).first()


def of_member(contest_id: str, member_id: str) -> list[Any]:
    """A member's attempts of a contest, oldest first."""
    statement = (
        sa.select(_attempt.id, _attempt.number, _attempt.state, _attempt.deadline_at)
        .where(_attempt.contest_id == contest_id, _attempt.member_id == member_id)
        .order_by(_attempt.number)
    )
    return list(db.connection().execute(statement))


def tries_used(contest_id: str, member_id: str) -> int:
    """How many attempts a member has started."""
    return len(of_member(contest_id, member_id))


def overdue(before: datetime, limit: int) -> list[str]:
    """Ids of running attempts whose deadline lies before `before`, but for paused contests, whose
    clock stands."""
    statement = (
        sa.select(_attempt.id)
        .join(Contest.__table__, _contest.id == _attempt.contest_id)
        .where(
            _attempt.state == "running",
            _attempt.deadline_at < before,
            _contest.paused_at.is_(None),
        )
        .order_by(_attempt.deadline_at)
        .limit(limit)
    )
    return list(db.connection().execute(statement).scalars())
