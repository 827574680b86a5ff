"""Reading the organisation: the tree, who is where, what a role reaches."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from api.core import auth, clock, db
from api.core.auth import Grant, Scope
from api.core.errors import NotFound
from api.org.models import (
    ABSENT_STATUSES,
    Branch,
    Member,
    Membership,
    OrganizingBody,
    RoleGrant,
    Team,
    Unit,
)

IDS_A_STATEMENT = 500
T = TypeVar("T")


def path_of(unit_id: str) -> tuple[str, ...]:
    """The ids of a unit's ancestors and itself, root first; () for an unknown unit."""
    path = unit_path(unit_id)
    return ids_of_path(path) if path else ()


@lru_cache(maxsize=4096)
def ids_of_path(path: str) -> tuple[str, ...]:
    """The ids that a unit's path lists."""
    return tuple(str(UUID(part)) for part in path.split("/") if part)


def unit_path(unit_id: str) -> str:
    """A unit's path as `Unit.path` holds it; "" for an unknown unit."""
    return db.connection().scalar(sa.select(Unit.path).where(Unit.id == unit_id)) or ""


def is_in_subtree(unit_id: str, root_unit_id: str) -> bool:
    """Whether a unit is `root_unit_id` or lies below it."""
    return root_unit_id in path_of(unit_id)


def below(path: str) -> sa.ColumnElement[bool]:
    """The units whose path starts with `path`, itself included; none for ""."""
    return Unit.path.startswith(path) if path else sa.false()


def today() -> date:
    """The present day where the organisation is."""
    zone = ZoneInfo(current_app.extensions["leitai.settings"].timezone)
    return clock.now().astimezone(zone).date()


def in_force(on: date) -> sa.ColumnElement[bool]:
    """The memberships of a day."""
    ended = sa.or_(Membership.until_on.is_(None), Membership.until_on > on)
    return sa.and_(Membership.from_on <= on, ended)


def chunks(items: Iterable[T], size: int = IDS_A_STATEMENT) -> Iterator[list[T]]:
    """`items` in lists of at most `size`: a statement takes only so many parameters."""
    held = list(items)
    for start in range(0, len(held), size):
        yield held[start : start + size]


# --- what other domains ask ---


def members_shown(member_ids: Collection[str]) -> dict[str, str | None]:
    """How each member is shown on boards: nickname or name, None for who hides from them."""
    shown: dict[str, str | None] = {}
    for some in chunks(member_ids):
        rows = db.connection().execute(
            sa.select(Member.id, Member.on_boards, Member.nickname, Member.name).where(
                Member.id.in_(some)
            )
        )
        shown.update({r.id: (r.nickname or r.name) if r.on_boards else None for r in rows})
    return shown


def branch_ids_at(member_ids: Collection[str], on: date) -> dict[str, dict[str, str]]:
    """Each member's branches of a day, by kind; who had none is left out."""
    found: dict[str, dict[str, str]] = {}
    for some in chunks(member_ids):
        rows = db.connection().execute(
            sa.select(Membership.member_id, Membership.kind, Membership.branch_id).where(
                Membership.member_id.in_(some), in_force(on)
            )
        )
        for row in rows:
            found.setdefault(row.member_id, {})[row.kind] = row.branch_id
    return found


def headcounts(kind: str, on: date) -> dict[str, int]:
    """How many members each branch of a kind had on a day, without those who are away."""
    rows = db.connection().execute(
        sa.select(Membership.branch_id, sa.func.count())
        .join(Member, Member.id == Membership.member_id)
        .where(Membership.kind == kind, in_force(on), Member.status.not_in(ABSENT_STATUSES))
        .group_by(Membership.branch_id)
    )
    return {row.branch_id: row[1] for row in rows}


def member_card(member_id: str) -> dict[str, Any]:
    """name, shown_name, unit_id, unit_path, status and on_boards of a member; raises NotFound."""
    row = db.connection().execute(
        sa.select(
            Member.name, sa.func.coalesce(Member.nickname, Member.name).label("shown_name"),
            Member.unit_id, Unit.path.label("unit_path"), Member.status, Member.on_boards,
        )
        .join(Unit, Unit.id == Member.unit_id)
        .where(Member.id == member_id)
    ).first()  # fmt: skip
    if row is None:
        raise NotFound
    return dict(row._mapping)


# --- scopes: where an object stands; all raise NotFound ---


def scope_of_unit(unit_id: str) -> Scope:
    """The scope of a unit."""
    return Scope(_found(sa.select(Unit.id).where(Unit.id == unit_id)))


def scope_of_branch(branch_id: str) -> Scope:
    """The scope of a branch: its unit and itself."""
    unit_id = _found(sa.select(Branch.unit_id).where(Branch.id == branch_id))
    return Scope(unit_id, branch_id=branch_id)


def scope_of_body(body_id: str) -> Scope:
    """The scope of an organising body: its unit and itself."""
    statement = sa.select(OrganizingBody.unit_id).where(OrganizingBody.id == body_id)
    return Scope(_found(statement), body_id=body_id)


def scope_of_team(team_id: str) -> Scope:
    """The scope of a team: its unit."""
    return Scope(_found(sa.select(Team.unit_id).where(Team.id == team_id)))


def scope_of_member(member_id: str) -> Scope:
    """The scope of a member: the unit, and of the member's branches and of the bodies over the
    unit the one that the asker holds a role for."""
    unit_id = _found(sa.select(Member.unit_id).where(Member.id == member_id))
    asker = auth.principal_or_none()
    grants = asker.grants if asker else ()
    return Scope(unit_id, _body_over(unit_id, grants), _shared_branch(member_id, grants))


def _found(statement: sa.Select[str]) -> str:
    value = db.connection().scalar(statement)
    if value is None:
        raise NotFound
    return value


def _shared_branch(member_id: str, grants: Iterable[Grant]) -> str | None:
    mine = {grant.branch_id for grant in grants if grant.branch_id}
    if not mine:
        return None
    theirs = branch_ids_at([member_id], today()).get(member_id, {})
    return next((branch for branch in theirs.values() if branch in mine), None)


def _body_over(unit_id: str, grants: Iterable[Grant]) -> str | None:
    above = path_of(unit_id)
    for grant in grants:
        if grant.body_id and root_of(grant) in above:
            return grant.body_id
    return None


def root_of(grant: Grant) -> str | None:
    """The unit whose subtree a grant reaches: its own, or its body's; None for everything."""
    if grant.unit_id or not grant.body_id:
        return grant.unit_id
    unit = sa.select(OrganizingBody.unit_id).where(OrganizingBody.id == grant.body_id)
    return db.connection().scalar(unit)


def reached_members(roles: Iterable[str]) -> sa.ColumnElement[bool]:
    """The members whom the principal's grants of `roles` cover."""
    tests: list[sa.ColumnElement[bool]] = []
    for grant in auth.principal().of(frozenset(roles)):
        if grant.branch_id:
            there = in_force(today())
            inside = sa.select(Membership.member_id).where(
                Membership.branch_id == grant.branch_id, there
            )
            tests.append(Member.id.in_(inside))
        elif root := root_of(grant):
            tests.append(Member.unit_id.in_(sa.select(Unit.id).where(below(unit_path(root)))))
        else:
            return sa.true()
    return sa.or_(sa.false(), *tests)


# --- roles ---


def is_valid(at: datetime) -> sa.ColumnElement[bool]:
    """The role grants in force at an instant."""
    ended = sa.or_(RoleGrant.until_at.is_(None), RoleGrant.until_at > at)
    return sa.and_(RoleGrant.from_at <= at, ended, RoleGrant.revoked_at.is_(None))


def grants_of(member_ids: Collection[str]) -> list[Any]:
    """The role grants in force now of some members, as rows (columns of RoleGrant)."""
    statement = sa.select(*RoleGrant.__table__.c).where(
        RoleGrant.member_id.in_(member_ids), is_valid(clock.now())
    )
    return list(db.connection().execute(statement.order_by(RoleGrant.id)))


def as_grant(row: Any) -> Grant:
    """A row of role_grants as tokens carry it."""
    return Grant(row.role, row.unit_id, row.body_id, row.branch_id)


def home_of(grant: Grant) -> Scope:
    """Where a grant reaches, as the scope that whoever gives or takes it must cover."""
    if grant.branch_id:
        return Scope(scope_of_branch(grant.branch_id).unit_id)
    return Scope(root_of(grant))
