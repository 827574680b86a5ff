"""Giving and taking roles.  A member's tokens follow within a second."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db
from api.core.auth import Grant, Scope
from api.core.errors import NotFound, invalid
from api.core.i18n import _
from api.org.models import Member, RoleGrant
from api.org.queries import scopes
from api.org.service import passwords

OF_A_BRANCH = ("secretary", "representative")
OF_A_BODY = ("organizer", "judge", "reviewer", "committee")


def reach_of(body: Mapping[str, Any]) -> Scope:
    """The scope that somebody must administer to give this role.  Raises Invalid."""
    _check_shape(body)
    finders = {
        "unit_id": scopes.scope_of_unit, "body_id": scopes.scope_of_body,
        "branch_id": scopes.scope_of_branch,
    }  # fmt: skip
    for field, scope_of in finders.items():
        if body[field]:
            scopes.referred(field, scope_of, body[field])
    return scopes.home_of(Grant(body["role"], body["unit_id"], body["body_id"], body["branch_id"]))


def _check_shape(body: Mapping[str, Any]) -> None:
    role = body["role"]
    if (role in OF_A_BRANCH) != (body["branch_id"] is not None):
        wrong = _("A secretary or representative needs a branch; no other role has one.")
        raise invalid("branch_id", wrong)
    if role in OF_A_BRANCH and (body["unit_id"] or body["body_id"]):
        raise invalid("unit_id", _("A role in a branch has neither unit nor body."))
    if body["body_id"] and role not in OF_A_BODY:
        raise invalid("body_id", _("This role isn't held for an organising body."))


def give(body: Mapping[str, Any]) -> RoleGrant:
    """Give a member a role.  Raises Invalid."""
    now = clock.now()
    from_at: datetime = body["from_at"] or now
    if body["until_at"] is not None and body["until_at"] <= max(from_at, now):
        raise invalid("until_at", _("This lies in the past or before the beginning."))
    member = db.session().get(Member, body["member_id"])
    if member is None or member.status == "left":
        raise invalid("member_id", _("There is no such member."))
    given_by = auth.principal_or_none()
    grant = RoleGrant(
        **{**body, "from_at": from_at}, granted_by=given_by.member_id if given_by else None
    )
    db.session().add(grant)
    db.session().flush()
    passwords.void_access([member.id])
    return grant


def scope_of_grant(grant_id: str) -> Scope:
    """Where a grant reaches; raises NotFound."""
    table = RoleGrant.__table__.c
    row = (
        db.connection()
        .execute(
            sa.select(table.role, table.unit_id, table.body_id, table.branch_id).where(
                table.id == grant_id, table.revoked_at.is_(None)
            )
        )
        .first()
    )
    if row is None:
        raise NotFound
    return scopes.home_of(scopes.as_grant(row))


def take(grant_id: str) -> None:
    """Take a role away; the member's access tokens are void within a second."""
    table = RoleGrant.__table__.c
    taken = db.connection().scalar(
        sa.update(RoleGrant)
        .where(table.id == grant_id, table.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(table.member_id)
    )
    if taken is None:
        raise NotFound
    passwords.void_access([taken])
