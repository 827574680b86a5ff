"""Reading results, and what a settlement collects them from."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt, BranchResult, Contest, ContestResult
from api.contests.queries import contests
from api.contests.rules.ranking import Placed
from api.core import db
from api.org.models import Branch, Member

_attempt = Attempt.__table__.c
_result = ContestResult.__table__.c


def settings(contest_id: str) -> dict[str, Any]:
    """A contest's settings."""
    found: dict[str, Any] = (
        db.connection()
        .execute(sa.select(Contest.settings).where(Contest.id == contest_id))
        .scalar_one()
    )
    return found


def max_score(contest: Any) -> int:
    """The highest score of a contest's paper, in hundredths."""
    worth = [points for _version_id, points in contest.pool]
    paper = contest.settings["paper"]
    return sum(worth) if paper["kind"] == "fixed" else sum(worth[: paper["count"]])


def next_members(contest_id: str, after: str | None, limit: int) -> list[str]:
    """The next members with a finished attempt, in the order of their ids."""
    statement = sa.select(_attempt.member_id).where(
        _attempt.contest_id == contest_id, _attempt.state != "running"
    )
    if after:
        statement = statement.where(_attempt.member_id > after)
    statement = statement.distinct().order_by(_attempt.member_id).limit(limit)
    return list(db.connection().execute(statement).scalars())


def attempts_of(contest_id: str, members: Sequence[str]) -> list[list[Any]]:
    """Finished attempts of members given in order, one list a member, oldest first."""
    statement = (
        sa.select(
            _attempt.id,
            _attempt.member_id,
            _attempt.number,
            _attempt.score_hundredths,
            _attempt.time_share,
        )
        .where(
            _attempt.contest_id == contest_id,
            _attempt.state != "running",
            _attempt.member_id.between(members[0], members[-1]),
        )
        .order_by(_attempt.member_id, _attempt.number)
    )
    rows = db.connection().execute(statement)
    return [list(tries) for _member, tries in groupby(rows, key=lambda row: row.member_id)]


def in_order(contest_id: str, version: int, last: Placed | None, limit: int) -> list[Any]:
    """The next draft rows by score, then time share, then id, after `last`."""
    statement = sa.select(_result.member_id, _result.score_hundredths, _result.time_share).where(
        _result.contest_id == contest_id, _result.results_version == version
    )
    if last:
        lower = _result.score_hundredths < last.score_hundredths
        same = _result.score_hundredths == last.score_hundredths
        slower = _result.time_share > last.time_share
        behind = sa.and_(_result.time_share == last.time_share, _result.member_id > last.member_id)
        statement = statement.where(sa.or_(lower, sa.and_(same, sa.or_(slower, behind))))
    order = (_result.score_hundredths.desc(), _result.time_share, _result.member_id)
    return list(db.connection().execute(statement.order_by(*order).limit(limit)))


def branch_scores(contest_id: str, version: int, branch_kind: str) -> list[Any]:
    """Rows (branch_id, name, eligible, participants, sum_hundredths) of branches with anyone
    eligible; participants are eligible members with a result in this version."""
    own = sa.and_(
        _result.contest_id == contest_id,
        _result.results_version == version,
        _result.member_id == Member.id,
    )
    statement = (
        contests.eligible_by_branch(contest_id, branch_kind)
        .outerjoin(ContestResult.__table__, own)
        .add_columns(
            sa.func.count(_result.member_id).label("participants"),
            sa.func.coalesce(sa.func.sum(_result.score_hundredths), 0).label("sum_hundredths"),
        )
    )
    return list(db.connection().execute(statement))


def page(contest: Any, limit: int, after: int) -> list[Any]:
    """Rows of the current results after a position, with names; hidden members too."""
    statement = (
        _named(contest).where(_result.position > after).order_by(_result.position).limit(limit)
    )
    return list(db.connection().execute(statement))


def of_member(contest: Any, member_id: str) -> Any:
    """A member's row of the current results, or None."""
    return db.connection().execute(_named(contest).where(_result.member_id == member_id)).first()


def _named(contest: Any) -> db.Rows:
    return (
        sa.select(ContestResult.__table__, Member.name, Member.nickname, Member.on_boards)
        .join(Member, Member.id == _result.member_id)
        .where(
            _result.contest_id == contest.id,
            _result.results_version == contest.results_version,
        )
    )


def size(contest: Any) -> int:
    """How many people the current results rank."""
    statement = sa.select(sa.func.max(_result.position)).where(
        _result.contest_id == contest.id, _result.results_version == contest.results_version
    )
    return int(db.connection().scalar(statement) or 0)


def branches(contest: Any) -> list[Any]:
    """Rows of the current branch results with names, by band and rank."""
    table = BranchResult.__table__
    statement = (
        sa.select(table, Branch.name)
        .join(Branch, Branch.id == table.c.branch_id)
        .where(
            table.c.contest_id == contest.id,
            table.c.results_version == contest.results_version,
        )
        .order_by(table.c.band, table.c.rank, Branch.name)
    )
    return list(db.connection().execute(statement))


def first_places(contest_id: str, version: int, deepest: int) -> list[Any]:
    """Rows (member_id, rank) of a version of the results down to rank `deepest`, ties included."""
    statement = (
        sa.select(_result.member_id, _result.rank)
        .where(
            _result.contest_id == contest_id,
            _result.results_version == version,
            _result.rank.between(1, deepest),
        )
        .order_by(_result.position)
    )
    return list(db.connection().execute(statement))
