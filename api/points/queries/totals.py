"""Reading totals: boards from SQL, the numbers behind a push or a rebuild."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.core import db
from api.org.models import Branch, Member
from api.points.models import BoardTotal
from api.points.rules import pack

PEOPLE = "people"
COUNT_UP_TO = 10_000
_total = BoardTotal.__table__.c


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a board from SQL."""

    subject_id: str
    points: int
    reached_s: int


def scores_of(board: str, period: str, subject_ids: Sequence[str]) -> list[tuple[str, int]]:
    """Packed scores of some subjects as they are now."""
    found: list[tuple[str, int]] = []
    for start in range(0, len(subject_ids), 500):
        chunk = subject_ids[start : start + 500]
        statement = _scores(board, period).where(_total.subject_id.in_(chunk))
        found += [(r.subject_id, pack(r.points, r.reached_s)) for r in _rows(statement)]
    return found


def next_scores(board: str, period: str, after: str | None, limit: int) -> list[tuple[str, int]]:
    """Packed scores in the order of subjects' ids, for a rebuild."""
    statement = _scores(board, period)
    if after:
        statement = statement.where(_total.subject_id > after)
    statement = statement.order_by(_total.subject_id).limit(limit)
    return [(r.subject_id, pack(r.points, r.reached_s)) for r in _rows(statement)]


def _scores(board: str, period: str) -> db.Rows:
    return sa.select(_total.subject_id, _total.points, _total.reached_s).where(
        _total.board == board, _total.period == period
    )


def _rows(statement: db.Rows) -> Sequence[Any]:
    return db.connection().execute(statement).all()


def page(
    board: str, period: str, after: Line | None, limit: int, *, upward: bool = False
) -> list[Line]:
    """Rows behind `after` in the board's order (before it, nearest first, if `upward`)."""
    statement = _scores(board, period)
    if after:
        statement = statement.where(_behind(after, upward))
    order = (_total.points.desc(), _total.reached_s.asc(), _total.subject_id.desc())
    if upward:
        order = (_total.points.asc(), _total.reached_s.desc(), _total.subject_id.asc())
    return [Line(*row) for row in _rows(statement.order_by(*order).limit(limit))]


def _behind(line: Line, upward: bool) -> sa.ColumnElement[bool]:
    points, reached, subject = _total.points, _total.reached_s, _total.subject_id
    same = points == line.points
    together = sa.and_(same, reached == line.reached_s)
    if upward:
        return sa.or_(
            points > line.points,
            sa.and_(same, reached < line.reached_s),
            sa.and_(together, subject > line.subject_id),
        )
    return sa.or_(
        points < line.points,
        sa.and_(same, reached > line.reached_s),
        sa.and_(together, subject < line.subject_id),
    )


def line_of(board: str, period: str, subject_id: str) -> Line | None:
    """A subject's own row."""
    rows = _rows(_scores(board, period).where(_total.subject_id == subject_id))
    return Line(*rows[0]) if rows else None


def size(board: str, period: str) -> int:
    """How many rows a board has, counted no further than COUNT_UP_TO + 1."""
    few = _scores(board, period).limit(COUNT_UP_TO + 1).subquery()
    return int(db.connection().scalar(sa.select(sa.func.count()).select_from(few)) or 0)


def rank_of(board: str, period: str, points: int) -> int:
    """Competition rank: one more than the rows with more points.  Counts; for small boards."""
    above = sa.select(sa.func.count()).where(
        _total.board == board, _total.period == period, _total.points > points
    )
    return 1 + int(db.connection().scalar(above) or 0)


def before(board: str, period: str, line: Line) -> int:
    """How many rows stand before a row in the board's order.  Counts; for small boards."""
    rows = _scores(board, period).where(_behind(line, upward=True)).subquery()
    return int(db.connection().scalar(sa.select(sa.func.count()).select_from(rows)) or 0)


def names(board: str, subject_ids: Sequence[str]) -> dict[str, str]:
    """What a board calls its subjects; "" for people who hide."""
    if not subject_ids:
        return {}
    if board == PEOPLE:
        people = sa.select(Member.id, Member.nickname, Member.name, Member.on_boards).where(
            Member.id.in_(subject_ids)
        )
        return {r.id: (r.nickname or r.name) if r.on_boards else "" for r in _rows(people)}
    branches = sa.select(Branch.id, Branch.name).where(Branch.id.in_(subject_ids))
    return {row.id: row.name for row in _rows(branches)}
