"""Who belongs to which branch, from when until when."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import auth, db, events
from api.core.errors import Conflict, NotFound, invalid
from api.core.i18n import _
from api.org.events import MembershipChanged
from api.org.models import Branch, Member, Membership
from api.org.queries import people, scopes
from api.org.service.structure import AlreadyExists, insert_new

_membership = Membership.__table__.c


class OverlappingMembership(Conflict):
    code, status = "overlapping-membership", 409
    title = _("The member was in a branch of this kind then. Choose a later day.")


def join(body: Mapping[str, Any]) -> Membership:
    """Let a member join a branch; the open membership of the same kind ends that day.

    Raises Invalid, AlreadyExists, OverlappingMembership.
    """
    branch = db.session().get_one(Branch, body["branch_id"])
    member = db.session().get(Member, body["member_id"], with_for_update=True)
    if member is None or member.status == "left":
        raise invalid("member_id", _("There is no such member."))
    auth.require(("admin",), scopes.scope_of_member(member.id))
    from_on = body["from_on"] or people.today()
    _close_open(member.id, branch, from_on)
    values = {
        "member_id": member.id, "branch_id": branch.id, "kind": branch.kind, "from_on": from_on,
    }  # fmt: skip
    made = insert_new(Membership, values)
    events.emit(MembershipChanged(member.id, branch.id, branch.kind, from_on.isoformat()))
    return made


def _close_open(member_id: str, branch: Branch, from_on: date) -> None:
    same_kind = (_membership.member_id == member_id, _membership.kind == branch.kind)
    last = (
        db.connection()
        .execute(
            sa.select(_membership.id, _membership.branch_id, _membership.from_on,
                      _membership.until_on)
            .where(*same_kind)
            .order_by(_membership.until_on.is_(None).desc(), _membership.until_on.desc())
            .limit(1)
        )
        .first()
    )  # fmt: skip
    if last is None:
        return
    if last.until_on is None and last.branch_id == branch.id:
        raise AlreadyExists
    if from_on < (last.until_on or last.from_on):
        raise OverlappingMembership
    if last.until_on is None:
        _end(last.id, from_on)
        since = from_on.isoformat()
        events.emit(MembershipChanged(member_id, last.branch_id, branch.kind, since))


def _end(membership_id: str, until_on: date) -> None:
    db.connection().execute(
        sa.update(Membership).where(_membership.id == membership_id).values(until_on=until_on)
    )


def end(membership_id: str, until_on: date | None) -> Membership:
    """End a membership (default: today).  Raises Conflict for one that ended, Invalid."""
    membership = db.session().get(
        Membership, membership_id, with_for_update=True, populate_existing=True
    )
    if membership is None:
        raise NotFound
    if membership.until_on is not None:
        raise Conflict(_("This membership has ended already."))
    day = until_on or people.today()
    if day < membership.from_on:
        raise invalid("until_on", _("`until_on` lies before `from_on`."))
    membership.until_on = day
    db.session().flush()
    branch_id, since = membership.branch_id, day.isoformat()
    events.emit(MembershipChanged(membership.member_id, branch_id, membership.kind, since))
    return membership
