"""Units, branches, organising bodies and teams."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from api.core import auth, db
from api.core.db import Base
from api.core.errors import NotFound, Problem, Stale, invalid
from api.core.i18n import _
from api.org.models import Branch, Member, OrganizingBody, Team, TeamMember, Unit
from api.org.queries import people, tree

Made = TypeVar("Made", bound=Base)
_unit = Unit.__table__.c


class AlreadyExists(Problem):
    code, status = "already-exists", 409
    title = _("Something with this name, number or code exists there already.")


class Cycle(Problem):
    code, status = "cycle", 409
    title = _("Nothing can lie below itself. Choose another parent.")


def insert_new(model: type[Made], values: Mapping[str, Any]) -> Made:
    """A new row, found by its id; raises AlreadyExists where a constraint says so."""
    row_id = values.get("id") or db.new_id()
    statement = db.insert(model).values({**values, "id": row_id}).on_conflict_do_nothing()
    made = db.connection().execute(statement.returning(model.__table__.c.id)).first()
    if made is None:
        raise AlreadyExists
    return db.session().get_one(model, row_id)


def lock_tree() -> None:
    """Let no other transaction change the tree until this one ends (SQLite: it can't anyway).

    Without it, two moves at once could make a circle, each being right by itself.
    """
    roots = sa.select(_unit.id).where(_unit.parent_id.is_(None)).order_by(_unit.id)
    db.connection().execute(roots.with_for_update()).all()


def path_below(parent_path: str, unit_id: str) -> str:
    """The path of a unit under a parent's path ("" for a root)."""
    return f"{parent_path}{unit_id.replace('-', '')}/"


def create_unit(body: Mapping[str, Any]) -> Unit:
    """A new unit.  Raises Invalid for an unknown parent or a kind that doesn't fit there."""
    _check_kind(body["kind"], body["parent_id"], body["code"])
    lock_tree()
    unit_id = db.new_id()
    path = path_below(_parent_path(body["parent_id"]), unit_id)
    return insert_new(Unit, {**body, "id": unit_id, "path": path, "version": 1})


def _check_kind(kind: str, parent_id: str | None, code: str | None) -> None:
    if (kind == "group") != (parent_id is None):
        wrong = _("A group stands at the top; every other unit needs a parent.")
        raise invalid("parent_id", wrong)
    if kind == "company" and not code:
        raise invalid("code", _("A company needs a code: its people sign in with it."))


def _parent_path(parent_id: str | None) -> str:
    if parent_id is None:
        return ""
    path = tree.unit_path(parent_id)
    if not path:
        raise invalid("parent_id", _("There is no such unit."))
    return path


def edit_unit(unit_id: str, if_match: int, body: dict[str, Any]) -> Unit:
    """Rename, recode or move a unit.  Raises Stale, Cycle, AlreadyExists."""
    lock_tree()
    unit = _locked(Unit, unit_id, if_match)
    parent_id = body.get("parent_id", unit.parent_id)
    _check_kind(unit.kind, parent_id, body.get("code", unit.code))
    if parent_id != unit.parent_id:
        _move(unit, parent_id)
    for name in ("name", "code"):
        if name in body:
            setattr(unit, name, body[name])
    unit.version += 1
    flush_unique()
    return unit


def _locked(model: type[Made], row_id: str, if_match: int) -> Made:
    """The row, locked; raises NotFound, or Stale where it has another version."""
    row = db.session().get(model, row_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    if row.version != if_match:  # type: ignore[attr-defined]
        raise Stale
    return row


def flush_unique() -> None:
    """Send the changes; raises AlreadyExists where a constraint refuses them.

    The refusal ends the transaction, so that nothing is left half done.
    """
    try:
        db.session().flush()
    except IntegrityError as error:
        raise AlreadyExists from error


def _move(unit: Unit, parent_id: str | None) -> None:
    """Hang a unit below another parent and rewrite the paths of all below it."""
    above = _parent_path(parent_id)
    if above.startswith(unit.path):
        raise Cycle
    auth.require(("admin",), auth.Scope(parent_id))
    old, new = unit.path, path_below(above, unit.id)
    rest = sa.func.substr(_unit.path, len(old) + 1)
    db.connection().execute(
        sa.update(Unit).where(_unit.path.startswith(old)).values(path=sa.literal(new) + rest)
    )
    unit.parent_id, unit.path = parent_id, new


def create_branch(body: Mapping[str, Any]) -> Branch:
    """A new branch.  Raises Invalid for an unknown unit or parent, AlreadyExists."""
    known_unit("unit_id", body["unit_id"])
    _check_branch_parent(body["kind"], body["parent_id"], None)
    return insert_new(Branch, {**body, "version": 1})


def edit_branch(branch_id: str, if_match: int, body: dict[str, Any]) -> Branch:
    """Change a branch's name, parent, unit, founding day.  Raises Stale, Cycle, AlreadyExists."""
    lock_tree()
    branch = _locked(Branch, branch_id, if_match)
    if "unit_id" in body:
        known_unit("unit_id", body["unit_id"])
        auth.require(("admin",), auth.Scope(body["unit_id"]))
    if "parent_id" in body:
        _check_branch_parent(branch.kind, body["parent_id"], branch_id)
    for name, value in body.items():
        setattr(branch, name, value)
    branch.version += 1
    flush_unique()
    return branch


def _check_branch_parent(kind: str, parent_id: str | None, branch_id: str | None) -> None:
    """Raise unless the parent is a branch of the same kind and not below this one."""
    above = parent_id
    while above is not None:
        if above == branch_id:
            raise Cycle
        parent = db.session().get(Branch, above)
        if parent is None or parent.kind != kind:
            raise invalid("parent_id", _("There is no such branch of this kind."))
        above = parent.parent_id


def known_unit(field: str, unit_id: str) -> None:
    """Raise Invalid unless the unit exists."""
    if not tree.unit_path(unit_id):
        raise invalid(field, _("There is no such unit."))


def create_body(body: Mapping[str, Any]) -> OrganizingBody:
    """A new organising body; raises Invalid, AlreadyExists."""
    known_unit("unit_id", body["unit_id"])
    return insert_new(OrganizingBody, body)


def create_team(body: Mapping[str, Any]) -> Team:
    """A new team with its members; raises Invalid, AlreadyExists."""
    known_unit("unit_id", body["unit_id"])
    team = insert_new(Team, {name: body[name] for name in ("kind", "name", "unit_id")})
    set_team_members(team.id, body["members"])
    return team


def set_team_members(team_id: str, members: Iterable[Mapping[str, Any]]) -> None:
    """Make these the members of a team; raises Invalid."""
    today = people.today()
    rows = [{**m, "from_on": m["from_on"] or today, "team_id": team_id} for m in members]
    ids = {row["member_id"] for row in rows}
    known = set(db.connection().scalars(sa.select(Member.id).where(Member.id.in_(ids))))
    if ids - known:
        raise invalid("members", _("{count} of these members don't exist.", count=len(ids - known)))
    if any(row["until_on"] and row["until_on"] < row["from_on"] for row in rows):
        raise invalid("members", _("`until_on` lies before `from_on`."))
    if len({(row["member_id"], row["from_on"]) for row in rows}) < len(rows):
        raise invalid("members", _("A member stands twice from the same day."))
    db.connection().execute(sa.delete(TeamMember).where(TeamMember.team_id == team_id))
    if rows:
        db.connection().execute(sa.insert(TeamMember), rows)
