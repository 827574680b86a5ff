"""What a roster would change: each row held against the organisation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import clock, db, jobs
from api.core.i18n import Text, _
from api.org.formats.roster import ROWS_A_BEAT, Person, Roster
from api.org.models import Branch, Member, Membership, RoleGrant, Unit
from api.org.queries.people import chunks
from api.org.queries.scopes import is_valid
from api.org.queries.tree import below

SAMPLES = 50
_member = Member.__table__.c

Key = tuple[str, str]


class Ambiguous(Exception):
    """Two units or branches of a company have the name that a row says; `column` says which."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


@dataclass(slots=True)
class Book:
    """The units and branches of some companies, by name."""

    companies: dict[str, str] = field(default_factory=dict)
    departments: dict[Key, list[str]] = field(default_factory=dict)
    children: dict[Key, str] = field(default_factory=dict)
    branches: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    at_company: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def department(self, company_id: str, name: str) -> str | None:
        """A department's id; None if there is none.  One right below the company comes first,
        else the only one of that name deeper down.  Raises Ambiguous."""
        direct = self.children.get((company_id, name))
        found = self.departments.get((company_id, name), [])
        if direct is None and len(found) > 1:
            raise Ambiguous("department")
        return direct or (found[0] if found else None)

    def unit(self, person: Person) -> str | None:
        """The unit that a row says; None if it must be made.  Raises Ambiguous."""
        unit_id: str | None = self.companies[person.company]
        if person.department:
            unit_id = self.department(self.companies[person.company], person.department)
        if person.crew and unit_id:
            unit_id = self.children.get((unit_id, person.crew))
        return unit_id

    def branch(self, company: str, kind: str, name: str) -> str | None:
        """A branch's id; None if it must be made.  Raises Ambiguous."""
        key = (self.companies[company], kind, name)
        found = self.branches.get(key, [])
        if len(found) > 1 and key not in self.at_company:
            raise Ambiguous(kind)
        return self.at_company.get(key) or (found[0] if found else None)


def book_of(codes: Iterable[str]) -> Book:
    """The book of the companies with these codes; unknown ones are left out."""
    book = Book()
    rows = db.connection().execute(
        sa.select(Unit.id, Unit.code, Unit.path).where(
            Unit.code.in_(set(codes)), Unit.kind == "company"
        )
    )
    for row in rows.all():
        book.companies[row.code] = row.id
        _enter_units(book, row.id, row.path)
        _enter_branches(book, row.id, row.path)
    return book


def _enter_units(book: Book, company_id: str, path: str) -> None:
    units = sa.select(Unit.id, Unit.parent_id, Unit.kind, Unit.name).where(below(path))
    for unit in db.connection().execute(units):
        book.children[(unit.parent_id, unit.name)] = unit.id
        if unit.kind == "department":
            book.departments.setdefault((company_id, unit.name), []).append(unit.id)


def _enter_branches(book: Book, company_id: str, path: str) -> None:
    inside = sa.select(Unit.id).where(below(path))
    branches = sa.select(Branch.id, Branch.kind, Branch.name, Branch.unit_id).where(
        Branch.unit_id.in_(inside)
    )
    for branch in db.connection().execute(branches):
        key = (company_id, branch.kind, branch.name)
        book.branches.setdefault(key, []).append(branch.id)
        if branch.unit_id == company_id:
            book.at_company[key] = branch.id


@dataclass(frozen=True, slots=True)
class Known:
    """A member as the database has it."""

    id: str
    name: str
    unit_id: str
    post: str | None
    status: str
    joined_on: date | None


_KNOWN = tuple(_member[name] for name in ("id", "name", "unit_id", "post", "status", "joined_on"))


def known_members(company_id: str, numbers: Iterable[str] | None = None) -> dict[str, Known]:
    """The members of a company by number: these, or all."""
    statement = sa.select(_member.number, *_KNOWN).where(_member.company_id == company_id)
    if numbers is not None:
        statement = statement.where(_member.number.in_(list(numbers)))
    return {row[0]: Known(*row[1:]) for row in db.connection().execute(statement)}


def open_branches(
    company_id: str | None = None, member_ids: Iterable[str] = ()
) -> dict[str, dict[str, str]]:
    """Open memberships by member and kind: of a company's members, or of these."""
    columns = (Membership.member_id, Membership.kind, Membership.branch_id)
    statement = sa.select(*columns).where(Membership.until_on.is_(None))
    if company_id:
        staff = sa.select(_member.id).where(_member.company_id == company_id)
        statements = [statement.where(Membership.member_id.in_(staff))]
    else:
        statements = [
            statement.where(Membership.member_id.in_(some)) for some in chunks(member_ids)
        ]
    found: dict[str, dict[str, str]] = {}
    for each in statements:
        for row in db.connection().execute(each):
            found.setdefault(row.member_id, {})[row.kind] = row.branch_id
    return found


def kept() -> set[str]:
    """Who isn't let go by a roster: administrators of the whole organisation, or nobody could
    undo a wrong one."""
    statement = sa.select(RoleGrant.member_id).where(
        RoleGrant.role == "admin", RoleGrant.unit_id.is_(None), is_valid(clock.now())
    )
    return set(db.connection().scalars(statement))


def status_after(person: Person, known: Known | None) -> str:
    """The status that a row gives; without that column one who had left is back."""
    if person.status is not None:
        return person.status
    return "active" if known is None or known.status == "left" else known.status


def changed_fields(
    person: Person, known: Known, unit_id: str | None, *, has_units: bool
) -> dict[str, Any]:
    """The columns of a member that a row changes, with their new values."""
    wanted: dict[str, Any] = {"name": person.name, "status": status_after(person, known)}
    if has_units:
        wanted["unit_id"] = unit_id
    if person.post is not None:
        wanted["post"] = person.post or None
    if person.joined_on is not None:
        wanted["joined_on"] = person.joined_on
    return {name: value for name, value in wanted.items() if value != getattr(known, name)}


@dataclass(slots=True)
class Preview:
    """Counts and the first rows of each kind of change."""

    counts: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    new_units: dict[tuple[str, ...], None] = field(default_factory=dict)
    new_branches: dict[tuple[str, ...], None] = field(default_factory=dict)

    def note(self, kind: str, **sample: Any) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        held = self.samples.setdefault(kind, [])
        if kind != "unchanged" and len(held) < SAMPLES:
            held.append(sample)

    def as_json(self) -> dict[str, Any]:
        kinds = ("join", "move", "update", "leave", "unchanged")
        return {
            "counts": {
                **{kind: self.counts.get(kind, 0) for kind in kinds},
                "new_units": len(self.new_units),
                "new_branches": len(self.new_branches),
            },
            "samples": {kind: self.samples.get(kind, []) for kind in kinds[:-1]},
            "new_units": [" / ".join(names) for names in list(self.new_units)[:SAMPLES]],
            "new_branches": [" / ".join(names) for names in list(self.new_branches)[:SAMPLES]],
        }


def check(
    roster: Roster, before: str, only: str | None, beat: Callable[[], None]
) -> tuple[Preview, int]:
    """Hold a roster against the database: (what would change, how many members there are).

    Rows that can't be placed become errors of the roster.  Members made after the job (id
    `before`) don't leave by it.  `only`: the code of the one company.  Reads in views of its own;
    `beat` is called between them.
    """
    with db.reading():
        book = book_of([only] if only else {company for company, _number in roster.seen})
        safe = kept()
    roster.people = [person for person in roster.people if _placeable(roster, book, person)]
    staff: dict[str, list[Person]] = {}
    for person in roster.people:
        staff.setdefault(person.company, []).append(person)
    preview, present = Preview(), 0
    for code in sorted(book.companies):
        present += _check_company(preview, book, roster, (code, staff.get(code, [])), before,
                                  safe, beat)  # fmt: skip
    return preview, present


def _check_company(
    preview: Preview, book: Book, roster: Roster, staff: tuple[str, list[Person]], before: str,
    safe: set[str], beat: Callable[[], None],
) -> int:  # fmt: skip
    """Note what changes in one company; returns how many members it has."""
    code, people = staff
    beat()
    with db.reading():
        known = known_members(book.companies[code])
        branches = open_branches(book.companies[code])
    for count, person in enumerate(people):
        if count % ROWS_A_BEAT == 0:
            beat()
        _compare(preview, book, roster, person, known.get(person.number), branches, safe)
    here = {n: m for n, m in known.items() if m.status != "left" and m.id < before}
    for number in sorted(leavers(roster, code, here, safe)):
        preview.note("leave", row=None, company=code, number=number)
    return len(here)


def leavers(roster: Roster, code: str, known: Mapping[str, Known], safe: set[str]) -> list[str]:
    """The numbers of those who aren't in the file; nobody, if rows don't say who they are."""
    if roster.nameless:
        return []
    return [n for n, m in known.items() if (code, n) not in roster.seen and m.id not in safe]


def _placeable(roster: Roster, book: Book, person: Person) -> bool:
    if person.company not in book.companies:
        _add_error(roster, person, "company", person.company, _("There is no such company."))
        return False
    try:
        book.unit(person)
        for kind, name in person.branches:
            book.branch(person.company, kind, name)
    except Ambiguous as found:
        named = {"department": person.department, **dict(person.branches)}
        wrong = _("The company has several of this name; give each its own.")
        _add_error(roster, person, found.column, named[found.column], wrong)
        return False
    return True


def _add_error(roster: Roster, person: Person, column: str, value: str, wrong: Text) -> None:
    word = roster.header[roster.columns[column]] if column in roster.columns else column
    roster.errors.append(jobs.row_error(person.line, word, value, wrong))


def _compare(
    preview: Preview, book: Book, roster: Roster, person: Person, known: Known | None,
    branches: Mapping[str, Mapping[str, str]], safe: set[str],
) -> None:  # fmt: skip
    who = {"row": person.line, "company": person.company, "number": person.number}
    gone = known is None or known.status == "left"
    if status_after(person, known) == "left":
        leaves = known is not None and not gone and known.id not in safe
        preview.note("leave" if leaves else "unchanged", **who)
        return
    unit_id = book.unit(person)
    if unit_id is None:
        _note_new_units(preview, book, person)
    moved = _moved(preview, book, person, branches.get(known.id, {}) if known else {})
    if known is None or gone:
        preview.note("join", **who)
        return
    changed = changed_fields(person, known, unit_id, has_units=roster.has_units)
    if moved or "unit_id" in changed:
        preview.note("move", **who, to=[person.department, person.crew, *moved])
    elif changed:
        preview.note("update", **who, fields=sorted(changed))
    else:
        preview.note("unchanged", **who)


def _note_new_units(preview: Preview, book: Book, person: Person) -> None:
    company = book.companies[person.company]
    if person.department and not book.department(company, person.department):
        preview.new_units[(person.company, person.department)] = None
    if person.crew:
        names = (person.company, person.department, person.crew)
        preview.new_units[tuple(name for name in names if name)] = None


def _moved(preview: Preview, book: Book, person: Person, now: Mapping[str, str]) -> list[str]:
    """The names of the branches that a row changes."""
    names = []
    for kind, name in person.branches:
        branch_id = book.branch(person.company, kind, name) if name else None
        if name and branch_id is None:
            preview.new_branches[(person.company, kind, name)] = None
        if branch_id != now.get(kind) or (name and branch_id is None):
            names.append(name)
    return names
