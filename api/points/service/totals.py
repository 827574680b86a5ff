"""Totals: what boards show, kept beside the ledger by a drain, set by set."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import clock, db, events
from api.org.models import ABSENT_STATUSES, BRANCH_KINDS, Member, Membership
from api.points.events import BoardsTouched, PointsCredited
from api.points.models import BoardTotal
from api.points.queries import catalogue
from api.points.rules import ALL_TIME, periods

PEOPLE = "people"
_total = BoardTotal.__table__.c
_KEY = ["board", "period", "subject_id"]

Key = tuple[str, str, str]


def branch_board(kind: str) -> str:
    """The key of the board of branches of a kind."""
    return f"branches-{kind}"


BRANCH_BOARDS = tuple(branch_board(kind) for kind in BRANCH_KINDS)
BOARDS = (PEOPLE, *BRANCH_BOARDS)


def add(credited: Sequence[PointsCredited]) -> None:
    """Add credits to the totals of people and branches and announce what moved."""
    people: dict[Key, list[int]] = {}
    branches: dict[Key, list[int]] = {}
    member_of = _branches({event.member_id for event in credited})
    zone = catalogue.zone()
    for event in credited:
        second = int(event.earned_at.timestamp())
        earned_on = event.earned_at.astimezone(zone).date()
        for period in (event.month, ALL_TIME):
            _gather(people, (PEOPLE, period, event.member_id), event.amount, second)
            for kind, branch_id in member_of(event.member_id, earned_on):
                key = (branch_board(kind), period, branch_id)
                _gather(branches, key, event.amount, second)
    _upsert(people)
    _upsert(branches)
    recount(list(branches))
    announce([*people, *branches])


def _gather(sums: dict[Key, list[int]], key: Key, amount: int, second: int) -> None:
    held = sums.setdefault(key, [0, 0])
    held[0] += amount
    held[1] = max(held[1], second)


def _branches(member_ids: set[str]) -> Any:
    """A function (member, day) → [(kind, branch)] of the memberships of that day."""
    rows = db.connection().execute(
        sa.select(
            Membership.member_id, Membership.kind, Membership.branch_id, Membership.from_on,
            Membership.until_on,
        ).where(Membership.member_id.in_(member_ids))
    )  # fmt: skip
    known: dict[str, list[Any]] = {}
    for row in rows:
        known.setdefault(row.member_id, []).append(row)

    def member_of(member_id: str, on: date) -> list[tuple[str, str]]:
        return [
            (row.kind, row.branch_id)
            for row in known.get(member_id, ())
            if row.from_on <= on and (row.until_on is None or on < row.until_on)
        ]

    return member_of


def _upsert(sums: dict[Key, list[int]]) -> None:
    if not sums:
        return
    # In one order everywhere, so that two transactions never wait for each other in a circle.
    rows = [
        {
            "board": board, "period": period, "subject_id": subject, "points": amount,
            "sum_points": amount, "heads": 1, "reached_s": second,
        }
        for (board, period, subject), (amount, second) in sorted(sums.items())
    ]  # fmt: skip
    for start in range(0, len(rows), 500):
        statement = db.insert(BoardTotal).values(rows[start : start + 500])
        fresh = statement.excluded
        later = sa.case(
            (fresh.reached_s > _total.reached_s, fresh.reached_s), else_=_total.reached_s
        )
        db.connection().execute(
            statement.on_conflict_do_update(
                index_elements=_KEY,
                set_={
                    "points": _total.points + fresh.points,
                    "sum_points": _total.sum_points + fresh.sum_points,
                    "reached_s": later,
                },
            )
        )


def recount(keys: Sequence[Key]) -> None:
    """Set the per-head value of branch totals from their sums and the branches' heads now.

    A branch without anybody present has no mean: it shows 0 and keeps its sum.
    """
    if not keys:
        return
    heads = head_counts({branch_id for _board, _period, branch_id in keys})
    statement = (
        sa.update(BoardTotal)
        .where(
            _total.board == sa.bindparam("b"),
            _total.period == sa.bindparam("p"),
            _total.subject_id == sa.bindparam("s"),
        )
        .values(heads=sa.bindparam("h"), points=sa.func.coalesce(_per_head(sa.bindparam("h")), 0))
    )
    rows = [
        {"b": board, "p": period, "s": branch_id, "h": heads.get(branch_id, 0)}
        for board, period, branch_id in sorted(keys)
    ]
    db.connection().execute(statement, rows)


def _per_head(heads: Any) -> sa.ColumnElement[int]:
    """Hundredths of a point per head, null without heads."""
    return _total.sum_points * 100 // sa.func.nullif(heads, 0, type_=sa.BigInteger())


def head_counts(branch_ids: set[str]) -> dict[str, int]:
    """How many present members each branch has (long leave, secondment and the like left out)."""
    today = clock.now().astimezone(catalogue.zone()).date()
    rows = db.connection().execute(
        sa.select(Membership.branch_id, sa.func.count().label("heads"))
        .join(Member, Member.id == Membership.member_id)
        .where(
            Membership.branch_id.in_(branch_ids),
            Membership.from_on <= today,
            sa.or_(Membership.until_on.is_(None), Membership.until_on > today),
            Member.status.not_in(ABSENT_STATUSES),
        )
        .group_by(Membership.branch_id)
    )
    return {row.branch_id: row.heads for row in rows}


def recount_branches(branch_ids: set[str]) -> None:
    """Heads of these branches changed: set their present values again and announce it."""
    month = periods(clock.now(), catalogue.zone()).month
    rows = db.connection().execute(
        sa.select(_total.board, _total.period, _total.subject_id).where(
            _total.board.in_(BRANCH_BOARDS),
            _total.period.in_([month, ALL_TIME]),
            _total.subject_id.in_(branch_ids),
        )
    )
    keys = [(row.board, row.period, row.subject_id) for row in rows]
    recount(keys)
    announce(keys)


def announce(keys: Iterable[Key]) -> None:
    """Emit what moved, board by board."""
    moved: dict[tuple[str, str], list[str]] = {}
    for board, period, subject_id in keys:
        moved.setdefault((board, period), []).append(subject_id)
    events.emit(
        *(BoardsTouched(board, period, ids) for (board, period), ids in sorted(moved.items()))
    )
