"""Crediting: facts become ledger lines under the rules in force, clipped by their caps.

Two statements whatever the number of rules: the fact (whose unique key makes a credit happen
once), and one INSERT ... SELECT that reads the caps' use and writes the lines.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from api.core import db
from api.points.events import PointsCredited
from api.points.models import PointEntry, PointFact
from api.points.queries import catalogue
from api.points.rules.facts import WINDOWS, Fact, Rule, matching
from api.points.rules.periods import Periods, periods

_entry = PointEntry.__table__.c
_fact = PointFact.__table__.c
_COLUMNS = [
    "member_id", "unit_id", "fact_id", "rule_code", "rule_version", "amount", "cap_left", "item",
    "earned_at", "day", "week", "month", "kind",
]  # fmt: skip
_FACT_COLUMNS = ["kind", "reference", "member_id", "item", "occurred_at", "numbers"]
_NO_CAP = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Credit:
    """A line that a fact brought; `cap_left` is None where the rule has no cap."""

    rule_code: str
    rule_version: int
    amount: int
    cap_left: int | None


def credit(member_id: str, unit_id: str, fact: Fact) -> tuple[list[Credit], list[PointsCredited]]:
    """Credit a fact once: its lines, and the events for the caller to emit with its own.

    A fact that is known brings nothing.  At most two statements (and one a second for the rules).
    """
    when = periods(fact.occurred_at, catalogue.zone())
    rules = matching(catalogue.rules(), fact, when.weekday)
    fact_id = _remember(member_id, fact)
    if fact_id is None or not rules:
        return [], []
    rows = db.connection().execute(
        _statement(tuple(_shape(rule) for rule in rules), db.on_sqlite()),
        _values(member_id, unit_id, fact_id, fact, when, rules),
    )
    credits_ = [Credit(*row) for row in rows]
    total = sum(line.amount for line in credits_)
    if not total:
        return [], []
    announced = PointsCredited(member_id, total, when.month, fact.occurred_at, unit_id, fact.item)
    return credits_, [announced]


def _remember(member_id: str, fact: Fact) -> int | None:
    """The new fact's id; None if it is known.

    On PostgreSQL the same statement takes the member's lock, so that two credits at once don't
    both see a cap unused; SQLite's writers queue anyway.
    """
    values = {
        "kind": fact.kind, "reference": fact.reference, "member_id": member_id,
        "item": fact.item, "occurred_at": fact.occurred_at, "numbers": dict(fact.values),
        "lock": int.from_bytes(hashlib.sha256(member_id.encode()).digest()[:7]),
    }  # fmt: skip
    fact_id: int | None = db.connection().scalar(_fact_insert(db.on_sqlite()), values)
    return fact_id


@cache
def _fact_insert(plain: bool) -> Any:
    """INSERT of a fact, RETURNING its id unless it is known; locks the member unless `plain`."""
    bound = [_bound_fact(name) for name in _FACT_COLUMNS]
    if plain:
        values = dict(zip(_FACT_COLUMNS, bound, strict=True))
        statement: Any = sqlite.insert(db.table(PointFact)).values(values)
    else:
        key = sa.bindparam("lock", type_=sa.BigInteger())
        lock = sa.select(sa.func.pg_advisory_xact_lock(key)).subquery()
        selected = sa.select(*bound).select_from(lock)
        statement = postgresql.insert(db.table(PointFact)).from_select(_FACT_COLUMNS, selected)
    statement = statement.on_conflict_do_nothing(index_elements=["kind", "reference"])
    return statement.returning(_fact.id)


def _bound_fact(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=_fact[name].type)


def reverse(entry_id: int, reason: str, actor_id: str) -> list[PointsCredited]:
    """Take a credit back by a counter-entry in the same periods; the events for the caller to emit.

    Once for each entry: what is taken back already, or isn't a credit, brings nothing.  One
    statement.
    """
    changed = {
        "kind": sa.literal("reversal"), "amount": -_entry.amount, "cap_left": sa.null(),
        "reason": sa.literal(reason), "actor_id": sa.literal(actor_id, _entry.actor_id.type),
        "reverses_id": _entry.id,
    }  # fmt: skip
    kept = [name for name in _COLUMNS if name not in changed]
    source = sa.select(*(_entry[name] for name in kept), *changed.values()).where(
        _entry.id == entry_id, _entry.kind == "credit"
    )
    statement = db.insert(PointEntry).from_select([*kept, *changed], source)
    statement = statement.on_conflict_do_nothing(index_elements=["reverses_id"])
    rows = db.connection().execute(
        statement.returning(
            _entry.member_id,
            _entry.amount,
            _entry.month,
            _entry.earned_at,
            _entry.unit_id,
            _entry.item,
        )
    )
    return [PointsCredited(*row) for row in rows]


Shape = tuple[bool, tuple[str, ...]]


def _shape(rule: Rule) -> Shape:
    """What of a rule changes the statement and not just its values."""
    return rule.improvement, tuple(window for window in WINDOWS if window in rule.caps)


@lru_cache(maxsize=64)
def _statement(shapes: tuple[Shape, ...], sqlite: bool) -> Any:
    """INSERT of one line for each rule that still brings something, RETURNING what it brought."""
    least = sa.func.min if sqlite else sa.func.least
    lines = [_line(index, shape, least) for index, shape in enumerate(shapes)]
    source = sa.union_all(*lines) if len(lines) > 1 else lines[0]
    return (
        sa.insert(PointEntry)
        .from_select(_COLUMNS, source)
        .returning(_entry.rule_code, _entry.rule_version, _entry.amount, _entry.cap_left)
    )


def _line(index: int, shape: Shape, least: Any) -> db.Rows:
    """SELECT one line: the rule's worth, less what was had for the item, within the caps."""
    improvement, windows = shape
    wanted: sa.ColumnElement[Any] = _bound(f"worth{index}", sa.Integer())
    if improvement:
        wanted = wanted - _used(index, "item")
    rooms = [
        _bound(f"cap_{window}{index}", sa.Integer()) - _used(index, window) for window in windows
    ]
    room = _least(least, [*rooms, sa.literal(_NO_CAP)])
    inner = sa.select(_least(least, [wanted, room]).label("amount"), room.label("room")).subquery(
        f"line{index}"
    )
    left = sa.case((inner.c.room < _NO_CAP, inner.c.room - inner.c.amount))
    return sa.select(
        _bound("member_id"), _bound("unit_id"), _bound("fact_id"),
        _bound(f"code{index}", _entry.rule_code.type),
        _bound(f"version{index}", sa.Integer()),
        inner.c.amount, left.label("cap_left"), _bound("item"), _bound("earned_at"),
        _bound("day"), _bound("week"), _bound("month"), sa.literal("credit", _entry.kind.type),
    ).where(inner.c.amount > 0)  # fmt: skip


def _least(least: Any, terms: Sequence[Any]) -> Any:
    return least(*terms) if len(terms) > 1 else terms[0]


def _bound(name: str, kind: Any = None) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind if kind is not None else _entry[name].type)


def _used(index: int, window: str) -> Any:
    """What the member has had by the rule in the window."""
    used = sa.select(sa.func.coalesce(sa.func.sum(_entry.amount), 0)).where(
        _entry.member_id == _bound("member_id"),
        _entry.rule_code == _bound(f"code{index}", _entry.rule_code.type),
        _entry[window] == _bound(window),
    )
    # The months narrow the search to the index's range, however long the member's history is.
    if window == "day":
        used = used.where(_entry.month == _bound("month"))
    if window == "week":
        kind = _entry.month.type
        used = used.where(
            _entry.month.in_([_bound("monday_month", kind), _bound("sunday_month", kind)])
        )
    return used.scalar_subquery()


def _values(
    member_id: str, unit_id: str, fact_id: int, fact: Fact, when: Periods, rules: Sequence[Rule]
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "member_id": member_id, "unit_id": unit_id, "fact_id": fact_id, "item": fact.item,
        "earned_at": fact.occurred_at, "day": when.day, "week": when.week, "month": when.month,
        "monday_month": when.week_months[0], "sunday_month": when.week_months[1],
    }  # fmt: skip
    for index, rule in enumerate(rules):
        values |= {
            f"worth{index}": rule.worth(fact),
            f"code{index}": rule.code,
            f"version{index}": rule.version,
        }
        values |= {f"cap_{window}{index}": cap for window, cap in rule.caps.items()}
    return values
