"""Reading the ledger."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.core import db, pages
from api.points.models import PointEntry
from api.points.queries import catalogue
from api.points.rules.facts import Rule
from api.points.rules.periods import ALL_TIME, periods

_entry = PointEntry.__table__.c
_MEMBER = sa.bindparam("member", type_=_entry.member_id.type)


def _within(window: str) -> sa.ColumnElement[Any]:
    """The sum of what was earned in the present day, week or month."""
    present = _entry[window] == sa.bindparam(f"this_{window}")
    return sa.func.sum(sa.case((present, _entry.amount), else_=0)).label(window)


# Built once: putting these together costs more than running them.
_SUMS = (
    sa.select(
        _entry.rule_code,
        sa.func.sum(_entry.amount).label("all"),
        _within("day"),
        _within("week"),
        _within("month"),
    )
    .where(_entry.member_id == _MEMBER)
    .group_by(_entry.rule_code)
)
# The newest line of a member: as long as it stays, nothing was earned or corrected.
LATEST = sa.select(sa.func.max(_entry.id)).where(_entry.member_id == _MEMBER).scalar_subquery()
_LINES = sa.select(
    _entry.id, _entry.rule_code, _entry.rule_version, _entry.amount, _entry.cap_left,
    _entry.item, _entry.earned_at,
).where(_entry.member_id == _MEMBER)  # fmt: skip
_ALL = pages.Keyset(_LINES, [_entry.id], descending=True, entities=False)
_OF_MONTH = pages.Keyset(
    _LINES.where(_entry.month == sa.bindparam("month")), [_entry.id], descending=True,
    entities=False,
)  # fmt: skip


def entries(member_id: str, *, period: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of a member's lines, newest first."""
    values = {"member": member_id}
    if period == ALL_TIME:
        return _ALL.page(values, limit=limit, cursor=cursor, show=entry_view)
    return _OF_MONTH.page(values | {"month": period}, limit=limit, cursor=cursor, show=entry_view)


def entry_view(row: Any) -> dict[str, Any]:
    """EntryOut."""
    return {
        "id": row.id,
        "rule": row.rule_code,
        "version": row.rule_version,
        "amount": row.amount,
        "cap_left": row.cap_left,
        "item": row.item,
        "earned_at": row.earned_at,
    }


def standing(member_id: str, now: datetime) -> dict[str, Any]:
    """{"balance": all time, "month": the month's sum, "still_to_earn": for each rule in force
    what its caps leave today}, from the ledger itself; one statement."""
    when = periods(now, catalogue.zone())
    values = {
        "member": member_id, "this_day": when.day, "this_week": when.week,
        "this_month": when.month,
    }  # fmt: skip
    used = {row.rule_code: row._mapping for row in db.connection().execute(_SUMS, values)}
    return {
        "balance": sum(row["all"] for row in used.values()),
        "month": sum(row["month"] for row in used.values()),
        "still_to_earn": [_left(r, used.get(r.code), when.weekday) for r in in_force(now)],
    }


def in_force(now: datetime) -> list[Rule]:
    """Of each code the version in force at `now`."""
    newest: dict[str, Rule] = {}
    for rule in catalogue.rules():
        if rule.effective_from <= now:
            newest[rule.code] = max(rule, newest.get(rule.code, rule), key=lambda r: r.version)
    return [rule for _code, rule in sorted(newest.items()) if rule.active]


def _left(rule: Rule, used: Any, weekday: int) -> dict[str, Any]:
    rooms = [
        max(0, cap - (used[window] if used else 0))
        for window, cap in rule.caps.items()
        if window != "item"
    ]
    left = min(rooms, default=None)
    if rule.weekdays is not None and weekday not in rule.weekdays:
        left = 0
    return {"rule": rule.code, "version": rule.version, "left_today": left}


def explained(member_id: str, period: str, limit: int) -> dict[str, Any]:
    """The lines behind a person's total: sums by rule, and the newest lines."""
    own = [_entry.member_id == member_id]
    if period != ALL_TIME:
        own.append(_entry.month == period)
    by_rule = db.connection().execute(
        sa.select(_entry.rule_code, sa.func.sum(_entry.amount), sa.func.count())
        .where(*own)
        .group_by(_entry.rule_code)
        .order_by(_entry.rule_code)
    )
    rules = [{"rule": r[0], "points": r[1], "entries": r[2]} for r in by_rule]
    page = entries(member_id, period=period, limit=limit, cursor=None)
    return {"points": sum(r["points"] for r in rules), "rules": rules, "entries": page["items"]}
