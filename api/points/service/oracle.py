"""Where ledger, totals and boards disagree; empty everywhere if all is well."""

import sqlalchemy as sa

from api.core import clock, db
from api.core.valkey import ValkeyDown
from api.org.models import Branch, Unit
from api.points import adapters
from api.points.models import BoardPart, BoardTotal, PointEntry
from api.points.queries import catalogue, totals
from api.points.rules.boards import PEOPLE, Place
from api.points.rules.periods import ALL_TIME, periods

SHOWN = 100
ROWS_A_TRIP = 2000
_entry = PointEntry.__table__.c
_total = BoardTotal.__table__.c
_part = BoardPart.__table__.c


def differences() -> list[str]:
    """Up to a hundred differences; opens its own views.  An open outbox explains some of them."""
    found: list[str] = []
    with db.reading():
        when = periods(clock.now(), catalogue.zone())
        for column, period in (("", ALL_TIME), ("month", when.month), ("day", when.day)):
            found += _ledger_against_totals(column, period)
            found += _totals_without_ledger(column, period)
        found += _ledger_against_parts()
        found += _branches_against_parts()
        boards = list(_boards())
    for place in boards:
        found += _totals_against_valkey(place)
    return found[:SHOWN]


def _ledger_against_totals(column: str, period: str) -> list[str]:
    sums = sa.select(_entry.member_id, sa.func.sum(_entry.amount).label("ledger"))
    if column:
        sums = sums.where(_entry[column] == period)
    ledger = sums.group_by(_entry.member_id).subquery()
    same = sa.and_(
        _total.subject_id == ledger.c.member_id,
        _total.board == PEOPLE,
        _total.period == period,
    )
    rows = db.connection().execute(
        sa.select(ledger.c.member_id, ledger.c.ledger, _total.points)
        .outerjoin(BoardTotal.__table__, same)
        .where(sa.or_(_total.points.is_(None), _total.points != ledger.c.ledger))
        .limit(SHOWN)
    )
    return [
        f"{period}: member {row.member_id}: ledger {row.ledger}, total {row.points}" for row in rows
    ]


def _totals_without_ledger(column: str, period: str) -> list[str]:
    """People with points on the board and not a single line to show for it."""
    lines = sa.select(_entry.id).where(_entry.member_id == _total.subject_id)
    if column:
        lines = lines.where(_entry[column] == period)
    rows = db.connection().execute(
        sa.select(_total.subject_id, _total.points)
        .where(_total.board == PEOPLE, _total.period == period, ~lines.exists())
        .limit(SHOWN)
    )
    return [f"{period}: member {row.subject_id}: no ledger, total {row.points}" for row in rows]


def _ledger_against_parts() -> list[str]:
    """What was earned in each unit, in all, must be there as a part."""
    ledger = (
        sa.select(_entry.member_id, _entry.unit_id, sa.func.sum(_entry.amount).label("sum"))
        .group_by(_entry.member_id, _entry.unit_id)
        .subquery()
    )
    same = sa.and_(
        _part.member_id == ledger.c.member_id,
        _part.group_id == ledger.c.unit_id,
        _part.period == ALL_TIME,
    )
    rows = db.connection().execute(
        sa.select(ledger.c.member_id, ledger.c.sum, _part.points)
        .join(Unit, Unit.id == ledger.c.unit_id)
        .outerjoin(BoardPart.__table__, same)
        .where(sa.or_(_part.points.is_(None), _part.points != ledger.c.sum))
        .limit(SHOWN)
    )
    return [f"member {row.member_id}: in a unit {row.sum}, its part {row.points}" for row in rows]


def _branches_against_parts() -> list[str]:
    """The sums of branches, against what their people earned while in them."""
    parts = (
        sa.select(_part.period, _part.group_id, sa.func.sum(_part.points).label("sum"))
        .join(Branch, Branch.id == _part.group_id)
        .group_by(_part.period, _part.group_id)
        .subquery()
    )
    same = sa.and_(
        _total.board != PEOPLE,
        _total.subject_id == parts.c.group_id,
        _total.period == parts.c.period,
    )
    rows = db.connection().execute(
        sa.select(parts.c.group_id, parts.c.period, parts.c.sum, _total.sum_points)
        .outerjoin(BoardTotal.__table__, same)
        .where(sa.or_(_total.sum_points.is_(None), _total.sum_points != parts.c.sum))
        .limit(SHOWN)
    )
    return [
        f"{row.period}: branch {row.group_id}: its parts {row.sum}, its sum {row.sum_points}"
        for row in rows
    ]


def _boards() -> list[Place]:
    rows = db.connection().execute(sa.select(_total.board, _total.period).distinct())
    return [Place(row.board, row.period) for row in rows]


def _totals_against_valkey(place: Place) -> list[str]:
    """Compare a built board row by row, in its order; a board that isn't built can't be wrong."""
    after: tuple[int, str] | None = None
    line = None
    while True:
        try:
            shown = adapters.read(place, own_id=None, limit=ROWS_A_TRIP, after=after)
        except ValkeyDown:
            return []
        if shown is None or shown.rows is None:
            return []
        with db.reading():
            lines = totals.page(place, line, ROWS_A_TRIP)
        pack = place.packing.pack
        wanted = [(one.subject_id, pack(one.points, one.reached_s)) for one in lines]
        have = [(row.subject_id, row.score) for row in shown.rows]
        if wanted != have:
            return [f"{place.board} {place.period}: the board in Valkey differs from the totals"]
        if len(lines) < ROWS_A_TRIP:
            return []
        line = lines[-1]
        after = (have[-1][1], have[-1][0])
