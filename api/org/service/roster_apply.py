"""Writing a roster's rows: a few hundred a transaction, each step harmless to repeat."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import db, events
from api.org.events import MemberMoved, MembershipChanged, MemberShown
from api.org.formats.roster import Person
from api.org.models import ABSENT_STATUSES, Branch, Member, Membership, Unit
from api.org.queries.people import today
from api.org.queries.tree import unit_path
from api.org.service import members
from api.org.service.roster_plan import (
    Ambiguous,
    Book,
    Known,
    changed_fields,
    kept,
    known_members,
    open_branches,
    status_after,
)
from api.org.service.structure import lock_tree, path_below

_member = Member.__table__.c
_membership = Membership.__table__.c


@dataclass(slots=True)
class Applied:
    """What a step did."""

    joined: int = 0
    changed: int = 0
    left: int = 0
    new: list[dict[str, Any]] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)
    recount: list[str] = field(default_factory=list)
    joins: list[dict[str, Any]] = field(default_factory=list)
    ends: list[tuple[str, str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, int]:
        return {"joined": self.joined, "changed": self.changed, "left": self.left}


def apply_rows(book: Book, people: Sequence[Person], *, has_units: bool) -> Applied:
    """Bring the members of these rows to what the rows say, in the transaction in force."""
    lock_tree()
    done, known = Applied(), _known(book, people)
    safe = kept()
    branches = open_branches(member_ids=[member.id for member in known.values()])
    for person in people:
        try:
            _apply(done, book, person, known.get(person.key), branches, safe, has_units)
        except Ambiguous:
            continue
    _write_new(done)
    _write_memberships(done)
    members.let_go(done.leave)
    members.recount(done.recount)
    return done


def _known(book: Book, people: Sequence[Person]) -> dict[tuple[str, str], Known]:
    found: dict[tuple[str, str], Known] = {}
    for code in sorted({person.company for person in people}):
        numbers = [person.number for person in people if person.company == code]
        here = known_members(book.companies[code], numbers)
        found.update({(code, number): member for number, member in here.items()})
    return found


def _apply(
    done: Applied, book: Book, person: Person, known: Known | None,
    branches: dict[str, dict[str, str]], safe: set[str], has_units: bool,
) -> None:  # fmt: skip
    status = status_after(person, known)
    if status == "left":
        if known is not None and known.status != "left" and known.id not in safe:
            _set(known.id, {"status": "left"})
            done.leave.append(known.id)
            done.left += 1
        return
    unit_id = _ensure_unit(book, person)
    now = branches.get(known.id, {}) if known else {}
    if known is None:
        member_id = _new(done, book, person, unit_id, status)
    else:
        member_id = known.id
        changes = changed_fields(person, known, unit_id, has_units=has_units)
        _change(done, known, changes)
    before = len(done.joins) + len(done.ends)
    _change_branches(done, book, person, member_id, now)
    touched = len(done.joins) + len(done.ends) > before
    if known is None or known.status == "left":
        done.joined += 1
    elif touched or changes:
        done.changed += 1


def _new(done: Applied, book: Book, person: Person, unit_id: str, status: str) -> str:
    member_id = db.new_id()
    done.new.append(
        {
            "id": member_id, "company_id": book.companies[person.company],
            "number": person.number, "name": person.name, "unit_id": unit_id,
            "post": person.post or None, "status": status, "joined_on": person.joined_on,
            "language": "zh-CN", "on_boards": True, "token_version": 0, "disabled": False,
            "version": 1,
        }
    )  # fmt: skip
    return member_id


def _change(done: Applied, known: Known, changes: dict[str, Any]) -> None:
    if not changes:
        return
    _set(known.id, changes)
    if "unit_id" in changes:
        events.emit(MemberMoved(known.id, changes["unit_id"]))
    if "name" in changes:
        events.emit(MemberShown(known.id))
    absent = changes.get("status", known.status) in ABSENT_STATUSES
    if absent != (known.status in ABSENT_STATUSES):
        done.recount.append(known.id)


def _set(member_id: str, values: dict[str, Any]) -> None:
    db.connection().execute(
        sa.update(Member)
        .where(_member.id == member_id)
        .values(**values, version=_member.version + 1)
    )


def _ensure_unit(book: Book, person: Person) -> str:
    """The unit a row says, made where it is missing."""
    company_id = book.companies[person.company]
    unit_id = company_id
    if person.department:
        unit_id = book.department(company_id, person.department) or _make_unit(
            book, company_id, "department", person.department
        )
        book.departments.setdefault((company_id, person.department), [unit_id])
    if person.crew:
        crew = book.children.get((unit_id, person.crew))
        unit_id = crew or _make_unit(book, unit_id, "crew", person.crew)
    return unit_id


def _make_unit(book: Book, parent_id: str, kind: str, name: str) -> str:
    unit_id = db.new_id()
    path = path_below(unit_path(parent_id), unit_id)
    values = {
        "id": unit_id, "parent_id": parent_id, "kind": kind, "name": name, "path": path,
        "version": 1,
    }  # fmt: skip
    statement = db.insert(Unit).values(values).on_conflict_do_nothing()
    db.connection().execute(statement)
    # Somebody may have made it since the book was read.
    made = sa.select(Unit.id).where(Unit.parent_id == parent_id, Unit.name == name)
    found: str = db.connection().scalars(made).one()
    book.children[(parent_id, name)] = found
    return found


def _change_branches(
    done: Applied, book: Book, person: Person, member_id: str, now: dict[str, str]
) -> None:
    for kind, name in person.branches:
        branch_id = _ensure_branch(book, person.company, kind, name) if name else None
        if branch_id == now.get(kind):
            continue
        if kind in now:
            done.ends.append((member_id, now[kind], kind))
        if branch_id:
            done.joins.append({"member_id": member_id, "branch_id": branch_id, "kind": kind})


def _ensure_branch(book: Book, company: str, kind: str, name: str) -> str:
    company_id = book.companies[company]
    if known := book.branch(company, kind, name):
        return known
    values = {
        "id": db.new_id(), "kind": kind, "name": name, "unit_id": company_id, "temporary": False,
        "version": 1,
    }  # fmt: skip
    db.connection().execute(db.insert(Branch).values(values).on_conflict_do_nothing())
    branch_id = db.connection().scalar(
        sa.select(Branch.id).where(
            Branch.unit_id == company_id, Branch.kind == kind, Branch.name == name
        )
    )
    assert branch_id is not None
    book.at_company[(company_id, kind, name)] = branch_id
    return branch_id


def _write_new(done: Applied) -> None:
    if not done.new:
        return
    db.connection().execute(db.insert(Member).on_conflict_do_nothing(), done.new)
    ids = [row["id"] for row in done.new]
    made = set(db.connection().scalars(sa.select(_member.id).where(_member.id.in_(ids))))
    # Who was added by hand at this very moment is brought into line by the next roster.
    lost = set(ids) - made
    done.joins = [join for join in done.joins if join["member_id"] not in lost]


def _write_memberships(done: Applied) -> None:
    on = today()
    for member_id, branch_id, kind in done.ends:
        _end(member_id, branch_id, on)
        events.emit(MembershipChanged(member_id, branch_id, kind, on.isoformat()))
    if done.joins:
        rows = [{**join, "id": db.new_id(), "from_on": on} for join in done.joins]
        db.connection().execute(db.insert(Membership).on_conflict_do_nothing(), rows)
        events.emit(
            *(
                MembershipChanged(j["member_id"], j["branch_id"], j["kind"], on.isoformat())
                for j in done.joins
            )
        )


def _end(member_id: str, branch_id: str, on: date) -> None:
    """End an open membership today; one that begins later never comes into force."""
    last = sa.case((_membership.from_on > on, _membership.from_on), else_=on)
    db.connection().execute(
        sa.update(Membership)
        .where(
            _membership.member_id == member_id,
            _membership.branch_id == branch_id,
            _membership.until_on.is_(None),
        )
        .values(until_on=last)
    )


def let_go(member_ids: Sequence[str]) -> int:
    """Let members go who aren't in the file; returns how many hadn't left yet."""
    gone = sa.update(Member).where(_member.id.in_(member_ids), _member.status != "left")
    statement = gone.values(status="left", version=_member.version + 1).returning(_member.id)
    leaving = list(db.connection().scalars(statement))
    members.let_go(leaving)
    return len(leaving)
