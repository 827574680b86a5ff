"""What the routes show."""

from collections.abc import Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from api.core import auth, clock, db, pages
from api.core.errors import NotFound
from api.org.models import (
    Branch,
    Member,
    Membership,
    OrganizingBody,
    RoleGrant,
    SignInSession,
    Team,
    TeamMember,
    Unit,
)
from api.org.queries.people import chunks, in_force, today
from api.org.queries.scopes import grants_of, reached_members, root_of
from api.org.queries.tree import below, ids_of_path, unit_path

SESSIONS_SHOWN = 100
T = TypeVar("T")


def me(member_id: str) -> dict[str, Any]:
    """MeOut: the signed-in member's own data, branches and roles."""
    member = db.session().get_one(Member, member_id)
    company = db.session().get_one(Unit, member.company_id)
    unit = db.session().get_one(Unit, member.unit_id)
    return {
        "id": member.id,
        "number": member.number,
        "name": member.name,
        "nickname": member.nickname,
        "company": {"id": company.id, "code": company.code, "name": company.name},
        "unit": {"id": unit.id, "name": unit.name},
        "branches": branches_of(member_id),
        "roles": [_role_view(row) for row in grants_of([member_id])],
        "language": member.language,
        "on_boards": member.on_boards,
        "version": member.version,
    }


def _role_view(row: Any) -> dict[str, Any]:
    names = ("role", "unit_id", "body_id", "branch_id", "until_at")
    return {name: getattr(row, name) for name in names}


def branches_of(member_id: str) -> list[dict[str, Any]]:
    """A member's branches today."""
    rows = db.connection().execute(
        sa.select(Branch.id, Branch.kind, Branch.name)
        .join(Membership, Membership.branch_id == Branch.id)
        .where(Membership.member_id == member_id, in_force(today()))
        .order_by(Branch.kind)
    )
    return [dict(row._mapping) for row in rows]


def sessions_of(member_id: str, present_id: str) -> dict[str, Any]:
    """A member's sessions that can still be refreshed, the newest first."""
    family = SignInSession.__table__.c
    rows = db.connection().execute(
        sa.select(family.id, family.agent, family.created_at, family.used_at, family.expires_at)
        .where(
            family.member_id == member_id, family.revoked_at.is_(None),
            family.expires_at > clock.now(),
        )
        .order_by(family.id.desc())
        .limit(SESSIONS_SHOWN)
    )  # fmt: skip
    return {"items": [{**row._mapping, "present": row.id == present_id} for row in rows]}


def units(
    *, under: str | None, parent_id: str | None, kind: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of units in the order of the tree: each before what lies below it."""
    statement = sa.select(Unit)
    if under:
        statement = statement.where(below(unit_path(under)))
    if parent_id:
        statement = statement.where(Unit.parent_id == parent_id)
    if kind:
        statement = statement.where(Unit.kind == kind)
    order = [Unit.__table__.c.path]
    return pages.page(statement, order, limit=limit, cursor=cursor, show=unit_view)


def unit_view(unit: Unit) -> dict[str, Any]:
    """UnitOut."""
    shown = columns(unit, "id", "parent_id", "kind", "code", "name", "version")
    return {**shown, "path": list(ids_of_path(unit.path))}


def columns(row: Any, *names: str) -> dict[str, Any]:
    """Some attributes of a row, by name."""
    return {name: getattr(row, name) for name in names}


def one(model: type[T], row_id: str) -> T:
    """A row by its id; raises NotFound."""
    row = db.session().get(model, row_id)
    if row is None:
        raise NotFound
    return row


def _placed(model: Any, unit_id: str | None, kind: str | None) -> db.Rows:
    """The rows of a table that stand in a unit's subtree."""
    statement = sa.select(model)
    if unit_id:
        inside = sa.select(Unit.id).where(below(unit_path(unit_id)))
        statement = statement.where(model.unit_id.in_(inside))
    return statement.where(model.kind == kind) if kind else statement


def branches(*, unit_id: str | None, kind: str | None, **page: Any) -> dict[str, Any]:
    """A page of branches."""
    order = [Branch.__table__.c.id]
    return pages.page(_placed(Branch, unit_id, kind), order, show=branch_view, **page)


def branch_view(branch: Branch) -> dict[str, Any]:
    """BranchOut."""
    return columns(
        branch, "id", "kind", "name", "unit_id", "parent_id", "established_on", "temporary",
        "version",
    )  # fmt: skip


def placed_view(row: Any) -> dict[str, Any]:
    """BodyOut, and TeamOut without its members."""
    return columns(row, "id", "kind", "name", "unit_id")


def bodies(*, unit_id: str | None, **page: Any) -> dict[str, Any]:
    """A page of organising bodies."""
    order = [OrganizingBody.__table__.c.id]
    return pages.page(_placed(OrganizingBody, unit_id, None), order, show=placed_view, **page)


def teams(*, unit_id: str | None, kind: str | None, **page: Any) -> dict[str, Any]:
    """A page of teams."""
    order = [Team.__table__.c.id]
    return pages.page(_placed(Team, unit_id, kind), order, show=placed_view, **page)


def team(team_id: str) -> dict[str, Any]:
    """TeamDetailOut: a team with its members."""
    rows = db.session().scalars(
        sa.select(TeamMember).where(TeamMember.team_id == team_id).order_by(TeamMember.member_id)
    )
    members = [columns(row, "member_id", "from_on", "until_on") for row in rows]
    return {**placed_view(one(Team, team_id)), "members": members}


def members(
    roles: Iterable[str], *, unit_id: str | None, branch_id: str | None, status: str | None,
    q: str | None, **page: Any,
) -> dict[str, Any]:  # fmt: skip
    """A page of the members whom the asker's grants of `roles` cover.

    `q`: the beginning of a number, or a part of a name.
    """
    statement = sa.select(Member).where(reached_members(roles))
    if unit_id:
        inside = sa.select(Unit.id).where(below(unit_path(unit_id)))
        statement = statement.where(Member.unit_id.in_(inside))
    if branch_id:
        there = sa.select(Membership.member_id).where(
            Membership.branch_id == branch_id, in_force(today())
        )
        statement = statement.where(Member.id.in_(there))
    if status:
        statement = statement.where(Member.status == status)
    if q:
        named = Member.name.contains(q, autoescape=True)
        statement = statement.where(sa.or_(Member.number.startswith(q, autoescape=True), named))
    return pages.page(statement, [Member.__table__.c.id], show=member_view, **page)


def member_view(member: Member) -> dict[str, Any]:
    """MemberOut."""
    return columns(
        member, "id", "company_id", "number", "name", "unit_id", "post", "status", "joined_on",
        "disabled", "version",
    )  # fmt: skip


def member_detail(member_id: str) -> dict[str, Any]:
    """MemberDetailOut: a member with the branches of today."""
    return {**member_view(one(Member, member_id)), "branches": branches_of(member_id)}


def memberships(*, branch_id: str | None, member_id: str | None, **page: Any) -> dict[str, Any]:
    """A page of memberships of a branch or a member, ended ones too."""
    statement = sa.select(Membership)
    if branch_id:
        statement = statement.where(Membership.branch_id == branch_id)
    if member_id:
        statement = statement.where(Membership.member_id == member_id)
    return pages.page(statement, [Membership.__table__.c.id], show=membership_view, **page)


def membership_view(row: Membership) -> dict[str, Any]:
    """MembershipOut."""
    return columns(row, "id", "member_id", "branch_id", "kind", "from_on", "until_on")


def role_grants(*, member_id: str | None, role: str | None, **page: Any) -> dict[str, Any]:
    """A page of the role grants, not revoked, whose reach the asker's roles cover."""
    place = sa.func.coalesce(RoleGrant.unit_id, OrganizingBody.unit_id, Branch.unit_id)
    statement = (
        sa.select(RoleGrant)
        .outerjoin(OrganizingBody, OrganizingBody.id == RoleGrant.body_id)
        .outerjoin(Branch, Branch.id == RoleGrant.branch_id)
        .where(RoleGrant.revoked_at.is_(None), _over(place, ("admin", "auditor")))
    )
    if member_id:
        statement = statement.where(RoleGrant.member_id == member_id)
    if role:
        statement = statement.where(RoleGrant.role == role)
    return pages.page(statement, [RoleGrant.__table__.c.id], show=grant_view, **page)


def _over(place: sa.ColumnElement[str], roles: Iterable[str]) -> sa.ColumnElement[bool]:
    roots = [root_of(grant) for grant in auth.principal().of(frozenset(roles))]
    if None in roots:
        return sa.true()
    reached = [below(unit_path(root or "")) for root in roots]
    return place.in_(sa.select(Unit.id).where(sa.or_(sa.false(), *reached)))


def grant_view(row: RoleGrant) -> dict[str, Any]:
    """RoleGrantOut."""
    return columns(
        row, "id", "member_id", "role", "unit_id", "body_id", "branch_id", "from_at", "until_at",
        "granted_by",
    )  # fmt: skip


def slip_view(slip: Any) -> dict[str, Any]:
    """SlipOut."""
    return columns(slip, "member_id", "number", "name", "password", "expires_at")


def company_codes(member_ids: Iterable[str]) -> dict[str, str]:
    """What each member's company is called at sign-in."""
    codes: dict[str, str] = {}
    for some in chunks(member_ids):
        rows = db.connection().execute(
            sa.select(Member.id, Unit.code)
            .join(Unit, Unit.id == Member.company_id)
            .where(Member.id.in_(some))
        )
        codes.update({row.id: row.code or "" for row in rows})
    return codes
