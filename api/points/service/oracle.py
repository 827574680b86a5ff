"""Where ledger, totals and boards disagree; empty everywhere if all is well."""

import sqlalchemy as sa

from api.core import clock, db
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.models import BoardTotal, PointEntry
from api.points.queries import catalogue, totals
from api.points.rules import ALL_TIME, pack, periods

SHOWN = 100
ROWS_A_TRIP = 2000
_entry = PointEntry.__table__.c
_total = BoardTotal.__table__.c


def differences() -> list[str]:
    """Up to a hundred differences; opens its own views.  An open outbox explains some of them."""
    month = periods(clock.now(), catalogue.zone()).month
    found: list[str] = []
    with db.reading():
        for period in (ALL_TIME, month):
            found += _ledger_against_totals(period)
            found += _totals_without_ledger(period)
        found += _wrong_means()
        boards = list(_boards())
    for board, period in boards:
        found += _totals_against_valkey(board, period)
    return found[:SHOWN]


def _ledger_against_totals(period: str) -> list[str]:
    sums = sa.select(_entry.member_id, sa.func.sum(_entry.amount).label("ledger"))
    if period != ALL_TIME:
        sums = sums.where(_entry.month == period)
    ledger = sums.group_by(_entry.member_id).subquery()
    same = sa.and_(
        _total.subject_id == ledger.c.member_id,
        _total.board == totals.PEOPLE,
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


def _totals_without_ledger(period: str) -> list[str]:
    """People with points on the board and not a single line to show for it."""
    lines = sa.select(_entry.id).where(_entry.member_id == _total.subject_id)
    if period != ALL_TIME:
        lines = lines.where(_entry.month == period)
    rows = db.connection().execute(
        sa.select(_total.subject_id, _total.points)
        .where(_total.board == totals.PEOPLE, _total.period == period, ~lines.exists())
        .limit(SHOWN)
    )
    return [f"{period}: member {row.subject_id}: no ledger, total {row.points}" for row in rows]


def _wrong_means() -> list[str]:
    """Branches whose points are not their sum by their heads."""
    mean = _total.sum_points * 100 // sa.func.nullif(_total.heads, 0, type_=sa.BigInteger())
    rows = db.connection().execute(
        sa.select(_total.board, _total.period, _total.subject_id)
        .where(_total.board != totals.PEOPLE, _total.points != sa.func.coalesce(mean, 0))
        .limit(SHOWN)
    )
    return [
        f"{row.board} {row.period}: branch {row.subject_id}: points are not the sum by heads"
        for row in rows
    ]


def _boards() -> list[tuple[str, str]]:
    rows = db.connection().execute(sa.select(_total.board, _total.period).distinct())
    return [(row.board, row.period) for row in rows]


def _totals_against_valkey(board: str, period: str) -> list[str]:
    """Compare a built board row by row, in its order; a board that isn't built can't be wrong."""
    after: tuple[int, str] | None = None
    line = None
    while True:
        try:
            shown = adapters.read(board, period, own_id=None, limit=ROWS_A_TRIP, after=after)
        except ValkeyDown:
            return []
        if shown is None or shown.rows is None:
            return []
        with db.reading():
            lines = totals.page(board, period, line, ROWS_A_TRIP)
        wanted = [(one.subject_id, pack(one.points, one.reached_s)) for one in lines]
        have = [(row.subject_id, row.score) for row in shown.rows]
        if wanted != have:
            return [f"{board} {period}: the board in Valkey differs from the totals"]
        if len(lines) < ROWS_A_TRIP:
            return []
        line = lines[-1]
        after = (have[-1][1], have[-1][0])
