"""Reading contests: who is invited, in which phase a contest is, who took part."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt, AudienceUnit, Contest, Question, QuestionBank
from api.contests.rules import timing
from api.core import auth, db
from api.core.auth import Scope
from api.core.errors import NotFound
from api.org.models import ABSENT_STATUSES, Branch, Member, Membership, Unit

_contest = Contest.__table__.c
_member = Member.__table__.c
_membership = Membership.__table__.c
_audience = AudienceUnit.__table__.c


def scope_of_contest(contest_id: str) -> Scope:
    """Where a contest stands; raises NotFound."""
    return _scope(sa.select(_contest.unit_id, _contest.body_id).where(_contest.id == contest_id))


def scope_of_participation(contest_id: str) -> Scope:
    """Where the counts of a contest stand: with the contest, and with each branch invited.

    A secretary's branch is the one of the scope, if the contest invites its people.
    """
    return replace(scope_of_contest(contest_id), branch_id=_invited_branch(contest_id))


def _invited_branch(contest_id: str) -> str | None:
    """The first of the branches that the asker holds a role in and that the contest invites."""
    held = [grant.branch_id for grant in auth.principal().grants if grant.branch_id]
    if not held:
        return None
    above, own = sa.orm.aliased(Unit), sa.orm.aliased(Unit)
    statement = (
        sa.select(Branch.id)
        .join(own, own.id == Branch.unit_id)
        .join(above, own.path.startswith(above.path))
        .join(AudienceUnit, _audience.unit_id == above.id)
        .where(_audience.contest_id == contest_id, Branch.id.in_(held))
        .order_by(Branch.id)
    )
    return db.connection().scalar(statement.limit(1))


def scope_of_bank(bank_id: str) -> Scope:
    """Where a question bank stands; raises NotFound."""
    bank = QuestionBank.__table__.c
    return _scope(sa.select(bank.unit_id, bank.body_id).where(bank.id == bank_id))


def scope_of_question(question_id: str) -> Scope:
    """Where a question's bank stands; raises NotFound."""
    bank = QuestionBank.__table__.c
    question = Question.__table__.c
    statement = sa.select(bank.unit_id, bank.body_id).where(
        question.id == question_id, bank.id == question.bank_id
    )
    return _scope(statement)


def _scope(statement: db.Rows) -> Scope:
    row = db.connection().execute(statement).first()
    if row is None:
        raise NotFound
    return Scope(row.unit_id, row.body_id)


def covered(
    roles: Sequence[str], model: type[Contest] | type[QuestionBank]
) -> sa.ColumnElement[bool]:
    """Condition: what one of the principal's grants of `roles` covers, by unit and body."""
    found: list[sa.ColumnElement[bool]] = [sa.false()]
    for grant in auth.principal().of(roles):
        condition: sa.ColumnElement[bool] = sa.true()
        if grant.unit_id:
            root = sa.select(Unit.path).where(Unit.id == grant.unit_id).scalar_subquery()
            inside = sa.select(Unit.id).where(Unit.path.startswith(root))
            condition = sa.and_(condition, model.unit_id.in_(inside))
        if grant.body_id:
            condition = sa.and_(condition, model.body_id == grant.body_id)
        found.append(condition)
    return sa.or_(*found)


def phase(contest: Any, now: datetime) -> str:
    """What the clock makes of a contest's state; see rules.timing.phase."""
    return timing.phase(
        now,
        contest.opens_at,
        contest.closes_at,
        paused=contest.paused_at is not None,
        state=contest.state,
        released=contest.released_at is not None,
    )


def _in_audience() -> sa.ColumnElement[bool]:
    """Whether the member's unit lies in the subtree of a unit of the contest's audience."""
    above, own = sa.orm.aliased(Unit), sa.orm.aliased(Unit)
    return sa.exists(
        sa.select(sa.literal(1))
        .select_from(_audience.contest_id.table)
        .join(above, above.id == _audience.unit_id)
        .join(own, own.id == _member.unit_id)
        .where(_audience.contest_id == _contest.id, own.path.startswith(above.path))
    )


def _in_a_branch(kind: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    own = sa.orm.aliased(Membership)
    return sa.exists(
        sa.select(sa.literal(1)).where(
            own.member_id == _member.id, own.kind == kind, own.until_on.is_(None)
        )
    )


def _invited() -> sa.ColumnElement[bool]:
    kind = _contest.settings["branch_kind"].as_string()
    only_branch = _contest.settings["only_branch_members"].as_boolean()
    return sa.and_(_in_audience(), sa.or_(sa.not_(only_branch), _in_a_branch(kind)))


@cache
def _for_member(hold: bool) -> db.Rows:
    """Built once: putting this statement together costs more than running it."""
    statement = (
        sa.select(
            Contest.__table__, _member.unit_id.label("member_unit_id"), _invited().label("invited")
        )
        .join(Member, _member.id == sa.bindparam("member_id", type_=_member.id.type))
        .where(
            _contest.id == sa.bindparam("contest_id", type_=_contest.id.type),
            _contest.state != "draft",
        )
    )
    return statement.with_for_update(read=True, of=Contest.__table__) if hold else statement


def for_member(contest_id: str, member_id: str, *, hold: bool = False) -> Any:
    """A contest that isn't a draft, with the member's unit and `invited`; None if there is none.

    `hold` keeps a settlement from starting until the transaction ends.
    """
    values = {"contest_id": contest_id, "member_id": member_id}
    return db.connection().execute(_for_member(hold), values).first()


def visible_to(member_id: str) -> sa.ColumnElement[bool]:
    """Condition: a contest that is no draft and whose audience the member belongs to."""
    invited = sa.exists(sa.select(sa.literal(1)).where(_member.id == member_id, _invited()))
    return sa.and_(_contest.state != "draft", invited)


@cache
def open_for() -> db.Rows:
    """SELECT of the contests that `:member` may take at `:now`, at most `:most`, those that close
    first first, with `tries_used` and `running`."""
    member_id = sa.bindparam("member", type_=_member.id.type)
    now = sa.bindparam("now", type_=_contest.opens_at.type)
    tried = (
        sa.select(
            Attempt.contest_id,
            sa.func.count().label("tries_used"),
            sa.func.max(sa.case((Attempt.state == "running", 1), else_=0)).label("running"),
        )
        .where(Attempt.member_id == member_id)
        .group_by(Attempt.contest_id)
        .subquery()
    )
    return (
        sa.select(
            _contest.id,
            _contest.title,
            _contest.closes_at,
            _contest.settings,
            sa.func.coalesce(tried.c.tries_used, 0).label("tries_used"),
            sa.func.coalesce(tried.c.running, 0).label("running"),
        )
        .select_from(Contest.__table__)
        .outerjoin(tried, tried.c.contest_id == _contest.id)
        .where(
            _contest.state == "published",
            _contest.opens_at <= now,
            _contest.closes_at > now,
            _contest.paused_at.is_(None),
            sa.exists(sa.select(sa.literal(1)).where(_member.id == member_id, _invited())),
        )
        .order_by(_contest.closes_at, _contest.id)
        .limit(sa.bindparam("most", type_=sa.Integer()))
    )


def audience_units(contest_ids: Sequence[str]) -> dict[str, list[str]]:
    """The audience's units by contest."""
    rows = db.connection().execute(
        sa.select(_audience.contest_id, _audience.unit_id)
        .where(_audience.contest_id.in_(contest_ids))
        .order_by(_audience.unit_id)
    )
    found: dict[str, list[str]] = {contest_id: [] for contest_id in contest_ids}
    for contest_id, unit_id in rows:
        found[contest_id].append(unit_id)
    return found


def eligible_count(contest_id: str) -> int:
    """How many present members the contest is for; the absent (long leave...) don't count."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Member)
        .join(Contest, _contest.id == contest_id)
        .where(_present(), _invited())
    )
    return int(db.connection().scalar(statement) or 0)


def _present() -> sa.ColumnElement[bool]:
    return _member.status.not_in(ABSENT_STATUSES)


def eligible_by_branch(contest_id: str, branch_kind: str) -> db.Rows:
    """SELECT branch_id, name, eligible ... GROUP BY branch over the present members whom the
    contest is for, by the branches of a kind they belong to; callers add columns and joins."""
    return (
        sa.select(Branch.id.label("branch_id"), Branch.name, sa.func.count().label("eligible"))
        .select_from(Membership)
        .join(Member, _member.id == _membership.member_id)
        .join(Branch, Branch.id == _membership.branch_id)
        .join(Contest, _contest.id == contest_id)
        .where(
            _membership.kind == branch_kind,
            _membership.until_on.is_(None),
            _present(),
            _invited(),
        )
        .group_by(Branch.id, Branch.name)
        .order_by(Branch.name, Branch.id)
    )


def participation(contest_id: str, branch_kind: str) -> list[Any]:
    """Rows (branch_id, name, eligible, participants) of branches with anyone eligible.

    A participant is an eligible member with at least one finished attempt.
    """
    finished = sa.exists(
        sa.select(sa.literal(1)).where(
            Attempt.contest_id == contest_id,
            Attempt.member_id == _member.id,
            Attempt.state != "running",
        )
    )
    statement = eligible_by_branch(contest_id, branch_kind).add_columns(
        sa.func.sum(sa.case((finished, 1), else_=0)).label("participants")
    )
    return list(db.connection().execute(statement))


def counts(contest_id: str) -> dict[str, int]:
    """{"attempts", "running", "participants"} of a contest."""
    running = sa.func.sum(sa.case((Attempt.state == "running", 1), else_=0))
    participants = sa.func.count(
        sa.distinct(sa.case((Attempt.state != "running", Attempt.member_id)))
    )
    row = (
        db.connection()
        .execute(
            sa.select(sa.func.count(), running, participants).where(
                Attempt.contest_id == contest_id
            )
        )
        .one()
    )
    return {"attempts": row[0], "running": row[1] or 0, "participants": row[2]}


def to_settle(now: datetime, limit: int = 10) -> list[str]:
    """Ids of contests past their close whose attempts are all finished and that nobody settles."""
    running = sa.exists(
        sa.select(sa.literal(1)).where(
            Attempt.contest_id == _contest.id, Attempt.state == "running"
        )
    )
    statement = (
        sa.select(_contest.id)
        .where(
            _contest.state == "published",
            _contest.closes_at <= now,
            _contest.paused_at.is_(None),
            ~running,
        )
        .order_by(_contest.closes_at)
        .limit(limit)
    )
    return list(db.connection().execute(statement).scalars())
