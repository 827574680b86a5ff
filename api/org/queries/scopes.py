"""Where objects stand and what roles reach.  Every scope_of_* raises NotFound."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db
from api.core.auth import Grant, Scope
from api.core.errors import NotFound, invalid
from api.core.i18n import _
from api.org.models import Branch, Member, Membership, OrganizingBody, RoleGrant, Team, Unit
from api.org.queries.people import branch_ids_at, in_force, today
from api.org.queries.tree import below, path_of, unit_path


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
    """The scope of a team: its unit, and of the bodies over it the asker's."""
    return _with_body(Scope(_found(sa.select(Team.unit_id).where(Team.id == team_id))))


def scope_of_branch_people(branch_id: str) -> Scope:
    """The scope of who is in a branch: that of the branch, and of the bodies over its unit the
    asker's, since an organiser works with the people of a subtree."""
    return _with_body(scope_of_branch(branch_id))


def _with_body(scope: Scope) -> Scope:
    asker = auth.principal_or_none()
    assert scope.unit_id is not None
    return replace(scope, body_id=_body_over(scope.unit_id, asker.grants if asker else ()))


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


def scope_of_membership(membership_id: str) -> Scope:
    """The scope of a membership: that of its branch."""
    branch = sa.select(Membership.branch_id).where(Membership.id == membership_id)
    return scope_of_branch(_found(branch))


def referred(field: str, scope_of: Callable[[str], Scope], row_id: str) -> Scope:
    """The scope of what a request's field names; raises Invalid where there is no such thing."""
    try:
        return scope_of(row_id)
    except NotFound as error:
        raise invalid(field, _("There is no such object."), "unknown") from error
