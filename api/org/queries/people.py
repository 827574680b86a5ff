"""What other domains ask about people: how they are shown, their branches, head counts."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from api.core import clock, db
from api.core.errors import NotFound
from api.org.models import ABSENT_STATUSES, Member, Membership, Unit

IDS_A_STATEMENT = 500
T = TypeVar("T")


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
