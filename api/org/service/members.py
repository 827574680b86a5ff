"""People: their data, status, sign-in, and what follows when they move or leave."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import auth, db, events
from api.core.auth import Scope
from api.core.errors import NotFound, Problem, Stale, invalid
from api.core.i18n import _
from api.org.events import MemberLeft, MemberMoved, MembershipChanged, MemberShown
from api.org.models import ABSENT_STATUSES, Member, Membership, Unit
from api.org.queries import people, scopes, tree
from api.org.service import passwords
from api.org.service.passwords import Slip
from api.org.service.structure import flush_unique, insert_new, known_unit

_membership = Membership.__table__.c


class BeyondYourRoles(Problem):
    code, status = "beyond-your-roles", 403
    title = _("This account holds roles that only an administrator over all of them may touch.")


def create_member(body: Mapping[str, Any]) -> Member:
    """A new member.  Raises Invalid, AlreadyExists (company and number)."""
    _check_place(body["company_id"], body["unit_id"])
    return insert_new(Member, {**_BLANK, **body})


_BLANK = {
    "language": "zh-CN", "on_boards": True, "token_version": 0, "disabled": False, "version": 1,
}  # fmt: skip


def _check_place(company_id: str, unit_id: str) -> None:
    company = db.session().get(Unit, company_id)
    if company is None or company.kind != "company":
        raise invalid("company_id", _("There is no such company."))
    known_unit("unit_id", unit_id)
    if not tree.is_in_subtree(unit_id, company_id):
        raise invalid("unit_id", _("This unit doesn't belong to the member's company."))


def edit_member(member_id: str, if_match: int, body: dict[str, Any]) -> Member:
    """Change a member's name, unit, post, status; disable or enable.  Raises Stale, Invalid."""
    member = locked(member_id, if_match)
    if body.get("disabled") or body.get("status") == "left":
        check_reach(member_id)
    if "unit_id" in body and body["unit_id"] != member.unit_id:
        _check_place(member.company_id, body["unit_id"])
        auth.require(("admin",), Scope(body["unit_id"]))
        events.emit(MemberMoved(member_id, body["unit_id"]))
    if "name" in body and body["name"] != member.name:
        events.emit(MemberShown(member_id))
    was, was_disabled = member.status, member.disabled
    for name, value in body.items():
        setattr(member, name, value)
    member.version += 1
    flush_unique()
    _follow_status(member, was)
    if member.disabled and not was_disabled:
        passwords.end_sessions([member_id])
    return member


def locked(member_id: str, if_match: int) -> Member:
    """The member, locked; raises NotFound, Stale."""
    member = db.session().get(Member, member_id, with_for_update=True, populate_existing=True)
    if member is None:
        raise NotFound
    if member.version != if_match:
        raise Stale
    return member


def _follow_status(member: Member, was: str) -> None:
    if member.status == "left" and was != "left":
        let_go([member.id])
    elif (member.status in ABSENT_STATUSES) != (was in ABSENT_STATUSES):
        recount([member.id])


def recount(member_ids: Collection[str]) -> None:
    """Announce that members began or ceased to count among the present of their branches."""
    present = people.in_force(people.today())
    rows = db.connection().execute(
        sa.select(_membership.member_id, _membership.branch_id, _membership.kind).where(
            _membership.member_id.in_(member_ids), present
        )
    )
    # The branches stay the same on every day; only who counts as present differs.
    never = date.max.isoformat()
    events.emit(*(MembershipChanged(r.member_id, r.branch_id, r.kind, never) for r in rows.all()))


def let_go(member_ids: Collection[str]) -> None:
    """What follows when members (whose status is "left" now) leave: no membership, no way in."""
    if not member_ids:
        return
    today = people.today()
    last_day = sa.case((_membership.from_on > today, _membership.from_on), else_=today)
    later = sa.or_(_membership.until_on.is_(None), _membership.until_on > today)
    closed = db.connection().execute(
        sa.update(Membership)
        .where(_membership.member_id.in_(member_ids), later)
        .values(until_on=last_day)
        .returning(_membership.member_id, _membership.branch_id, _membership.kind)
    )
    since = today.isoformat()
    events.emit(*(MembershipChanged(r.member_id, r.branch_id, r.kind, since) for r in closed.all()))
    table = Member.__table__.c
    db.connection().execute(
        sa.update(Member)
        .where(table.id.in_(member_ids))
        .values(one_time_hash=None, one_time_expires_at=None)
    )
    passwords.end_sessions(member_ids)
    events.emit(*(MemberLeft(member_id) for member_id in sorted(member_ids)))


def edit_own(if_match: int, body: dict[str, Any]) -> None:
    """Change what a member decides about oneself: language, nickname, hiding from boards."""
    member = locked(auth.principal().member_id, if_match)
    shown = {"on_boards", "nickname"}
    if any(name in shown and getattr(member, name) != value for name, value in body.items()):
        events.emit(MemberShown(member.id))
    for name, value in body.items():
        setattr(member, name, value)
    member.version += 1
    db.session().flush()


def check_reach(member_id: str) -> None:
    """Raise BeyondYourRoles unless the asker administers all that the member's roles reach.

    Whoever gives an account a new password can sign in with it.
    """
    if not _reaches(scopes.grants_of([member_id])):
        raise BeyondYourRoles


def _reaches(rows: Collection[Any]) -> bool:
    homes = [scopes.home_of(scopes.as_grant(row)) for row in rows]
    return all(auth.allows(("admin",), home) for home in homes)


def reset_password(member_id: str) -> Slip:
    """A slip in place of a forgotten password.  Raises BeyondYourRoles, Invalid."""
    check_reach(member_id)
    member = db.session().get_one(Member, member_id)
    if member.status == "left" or member.disabled:
        raise invalid("member_id", _("This member can't sign in; enable the account first."))
    return passwords.reset(member)


def slips_of_branch(branch_id: str, chosen: list[str] | None) -> dict[str, Any]:
    """First passwords for a branch: {"slips": [Slip], "skipped": [member id]}.

    Without a choice: for all who have no password of their own yet.  Skipped is who holds roles
    beyond the asker's.  Raises Invalid for a chosen member who isn't in the branch.
    """
    inside = sa.select(_membership.member_id).where(
        _membership.branch_id == branch_id, people.in_force(people.today())
    )
    able = sa.select(Member).where(Member.id.in_(inside), Member.status != "left", ~Member.disabled)
    if chosen is None:
        able = able.where(Member.password_hash.is_(None))
    else:
        able = able.where(Member.id.in_(chosen))
    members = list(db.session().scalars(able))
    if chosen is not None and len(members) < len(set(chosen)):
        wrong = _("Some of these members don't belong to the branch or can't sign in.")
        raise invalid("member_ids", wrong)
    held: dict[str, list[Any]] = {}
    for some in people.chunks(member.id for member in members):
        for row in scopes.grants_of(some):
            held.setdefault(row.member_id, []).append(row)
    beyond = {member_id for member_id, rows in held.items() if not _reaches(rows)}
    slips = passwords.give_slips([member for member in members if member.id not in beyond])
    return {"slips": slips, "skipped": sorted(beyond)}
