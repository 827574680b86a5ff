"""Totals: what boards show, kept beside the ledger by a drain, set by set.

People have a total for every period, and a part for each group they earned it in: the unit and the
branches of that day, the contest.  Branch totals are made of parts, by service/branches.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from api.core import db, events
from api.org.events import MembershipChanged
from api.org.models import Branch, Membership
from api.points.events import BoardsTouched, BranchesTouched, PointsCredited
from api.points.models import BoardPart, BoardTotal, PointEntry
from api.points.queries import catalogue
from api.points.rules.boards import PEOPLE
from api.points.rules.periods import ALL_TIME, of_day, seasons_of

REACTION = "points.totals"
_total = BoardTotal.__table__.c
_part = BoardPart.__table__.c
_entry = PointEntry.__table__.c

BranchesOf = Callable[[str, date], list[str]]
Key = TypeVar("Key")
Differing = dict[Key, list[int] | None]


class Earned(NamedTuple):
    """Points that a member earned in a unit by an item on a day, the last of them at a second."""

    member_id: str
    unit_id: str
    item: str
    day: date
    amount: int
    second: int


class Sums:
    """Totals and parts being summed up: {key: [points, second reached]}."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], list[int]] = {}
        self.parts: dict[tuple[str, str, str], list[int]] = {}
        self.branches: dict[str, set[str]] = defaultdict(set)
        self._seasons = catalogue.all_seasons()

    def add(self, earned: Earned, branch_ids: Sequence[str]) -> None:
        """Count what was earned in its periods and groups."""
        when, seasons = of_day(earned.day), seasons_of(earned.day, self._seasons)
        for period in (*when.every, *seasons):
            self._gather(self.totals, (earned.member_id, period), earned)
        groups = [*branch_ids, *([earned.unit_id] if earned.unit_id else [])]
        for period in (*when.long, *seasons):
            self.branches[period].update(branch_ids)
            for group in groups:
                self._gather(self.parts, (earned.member_id, period, group), earned)
        if _is_id(earned.item):
            self._gather(self.parts, (earned.member_id, ALL_TIME, earned.item), earned)

    @staticmethod
    def _gather(sums: dict[Any, list[int]], key: Any, earned: Earned) -> None:
        held = sums.setdefault(key, [0, 0])
        held[0] += earned.amount
        held[1] = max(held[1], earned.second)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def follow(batch: Sequence[PointsCredited | MembershipChanged]) -> None:
    """Add credits; count members anew whose branches changed on days they have lines of."""
    changed = [event for event in batch if isinstance(event, MembershipChanged)]
    if changed:
        _count_heads({event.branch_id for event in changed})
        recompute(_with_lines_since(changed))
    add([event for event in batch if isinstance(event, PointsCredited)])


def _count_heads(branch_ids: set[str]) -> None:
    """Let these branches' heads be counted anew in the periods under way."""
    today = catalogue.today()
    under_way = (*of_day(today).long, *seasons_of(today, catalogue.all_seasons()))
    events.emit(*(BranchesTouched(p, sorted(branch_ids), heads=True) for p in under_way))


def _with_lines_since(changed: Sequence[MembershipChanged]) -> set[str]:
    """The members that earned something on the days on which they changed branches, or later."""
    since = {event.member_id: event.since for event in reversed(changed)}
    for event in changed:
        since[event.member_id] = min(since[event.member_id], event.since)
    rows = db.connection().execute(
        sa.select(_entry.member_id, sa.func.max(_entry.day))
        .where(_entry.member_id.in_(since))
        .group_by(_entry.member_id)
    )
    return {member_id for member_id, last in rows if last >= since[member_id]}


def add(credited: Sequence[PointsCredited]) -> None:
    """Add credits to totals and parts and announce what moved."""
    if not credited:
        return
    sums, zone = Sums(), catalogue.zone()
    branches_of = _branches_of({event.member_id for event in credited})
    for event in credited:
        day = event.earned_at.astimezone(zone).date()
        second = int(event.earned_at.timestamp())
        earned = Earned(event.member_id, event.unit_id, event.item, day, event.amount, second)
        sums.add(earned, branches_of(event.member_id, day))
    _write(sums)
    _announce(sums)


def recompute(member_ids: Iterable[str]) -> None:
    """Make members' totals and parts anew from the ledger, as memberships are now, and announce
    what differs from before.

    What was credited and not yet added stays out: its event will add it.  The reaction that adds is
    held meanwhile.
    """
    members = sorted(set(member_ids))
    if not members:
        return
    events.hold(REACTION)
    sums, branches_of = Sums(), _branches_of(set(members))
    for earned in _from_ledger(members, _still_to_add(set(members))):
        sums.add(earned, branches_of(earned.member_id, earned.day))
    totals = _differing(sums.totals, _stored_totals(members))
    parts = _differing(sums.parts, _stored_parts(members))
    _remove([key for key, held in parts.items() if held is None])
    changed = Sums()
    changed.totals = {key: held for key, held in totals.items() if held}
    changed.parts = {key: held for key, held in parts.items() if held}
    for period, group in _of_branches(parts):
        changed.branches[period].add(group)
    _write(changed, absolute=True)
    _announce(changed, heads=True)


def _differing(wanted: Mapping[Key, list[int]], stored: Mapping[Key, list[int]]) -> Differing[Key]:
    """What must be stored otherwise; None for what must go."""
    found: Differing[Key] = {k: held for k, held in wanted.items() if stored.get(k) != held}
    return found | dict.fromkeys(stored.keys() - wanted.keys())


def _stored_totals(members: Sequence[str]) -> dict[tuple[str, str], list[int]]:
    rows = db.connection().execute(
        sa.select(_total.subject_id, _total.period, _total.points, _total.reached_s).where(
            _total.board == PEOPLE, _total.subject_id.in_(members)
        )
    )
    return {(row[0], row[1]): [row[2], row[3]] for row in rows}


def _stored_parts(members: Sequence[str]) -> dict[tuple[str, str, str], list[int]]:
    rows = db.connection().execute(
        sa.select(
            _part.member_id, _part.period, _part.group_id, _part.points, _part.reached_s
        ).where(_part.member_id.in_(members))
    )
    return {(row[0], row[1], row[2]): [row[3], row[4]] for row in rows}


def _remove(keys: Sequence[tuple[str, str, str]]) -> None:
    if not keys:
        return
    statement = sa.delete(BoardPart).where(
        _part.member_id == sa.bindparam("member", type_=_part.member_id.type),
        _part.period == sa.bindparam("of_period"),
        _part.group_id == sa.bindparam("in_group", type_=_part.group_id.type),
    )
    names = ("member", "of_period", "in_group")
    db.connection().execute(statement, [dict(zip(names, key, strict=True)) for key in keys])


def _of_branches(parts: Iterable[tuple[str, str, str]]) -> set[tuple[str, str]]:
    """(period, branch) of those parts that are a branch's."""
    places = {(period, group) for _member, period, group in parts}
    groups = {group for _period, group in places}
    found = set(db.connection().scalars(sa.select(Branch.id).where(Branch.id.in_(groups))))
    return {place for place in places if place[1] in found}


def _still_to_add(members: set[str]) -> dict[tuple[str, str, str, str], int]:
    """Amounts by (member, unit, item, day) whose events wait."""
    zone = catalogue.zone()
    amounts: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for event in events.waiting(PointsCredited):
        if event.member_id in members:
            day = event.earned_at.astimezone(zone).date().isoformat()
            amounts[event.member_id, event.unit_id, event.item, day] += event.amount
    return amounts


def _from_ledger(
    members: Sequence[str], still_to_add: Mapping[tuple[str, str, str, str], int]
) -> Iterable[Earned]:
    keys = (_entry.member_id, _entry.unit_id, _entry.item, _entry.day)
    rows = db.connection().execute(
        sa.select(*keys, sa.func.sum(_entry.amount), sa.func.max(_entry.earned_at))
        .where(_entry.member_id.in_(members))
        .group_by(*keys)
    )
    for member_id, unit_id, item, day, amount, last in rows:
        waits = still_to_add.get((member_id, unit_id, item, day), 0)
        if not waits or amount != waits:
            second = int(last.timestamp())
            on = date.fromisoformat(day)
            yield Earned(member_id, unit_id, item, on, amount - waits, second)


def _branches_of(member_ids: set[str]) -> BranchesOf:
    """A function (member, day) → the branches the member belonged to that day."""
    rows = db.connection().execute(
        sa.select(
            Membership.member_id, Membership.branch_id, Membership.from_on, Membership.until_on
        ).where(Membership.member_id.in_(member_ids))
    )
    known: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        known[row.member_id].append(row)

    def branches_of(member_id: str, on: date) -> list[str]:
        return [
            row.branch_id
            for row in known.get(member_id, ())
            if row.from_on <= on and (row.until_on is None or on < row.until_on)
        ]

    return branches_of


def _write(sums: Sums, *, absolute: bool = False) -> None:
    """Add to what is there, or replace it if `absolute`.

    In one order everywhere, so that two transactions never wait for each other in a circle.
    """
    totals = [
        {
            "board": PEOPLE, "period": period, "subject_id": member_id, "points": points,
            "sum_points": points, "heads": 1, "participants": 1, "reached_s": second,
        }
        for (member_id, period), (points, second) in sorted(sums.totals.items())
    ]  # fmt: skip
    parts = [
        {
            "member_id": member_id, "period": period, "group_id": group, "points": points,
            "reached_s": second,
        }
        for (member_id, period, group), (points, second) in sorted(sums.parts.items())
    ]  # fmt: skip
    key = ["board", "period", "subject_id"]
    _upsert(BoardTotal, key, totals, ["points", "sum_points"], absolute)
    _upsert(BoardPart, ["member_id", "period", "group_id"], parts, ["points"], absolute)


def _upsert(
    model: Any, key: list[str], rows: list[dict[str, Any]], summed: Sequence[str], absolute: bool
) -> None:
    """Insert or add to rows of one shape: one prepared statement for all of them."""
    if rows:
        statement = _upsertion(model, tuple(key), tuple(summed), absolute, db.on_sqlite())
        db.connection().execute(statement, rows)


@cache
def _upsertion(
    model: Any, key: tuple[str, ...], summed: tuple[str, ...], absolute: bool, plain: bool
) -> Any:
    column = model.__table__.c
    insert = sqlite.insert if plain else postgresql.insert
    statement = insert(db.table(model))
    fresh = statement.excluded
    later = sa.case((fresh.reached_s > column.reached_s, fresh.reached_s), else_=column.reached_s)
    changed = {name: column[name] + fresh[name] for name in summed} | {"reached_s": later}
    if absolute:
        changed = {name: fresh[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def _announce(sums: Sums, *, heads: bool = False) -> None:
    """Emit whose totals moved, period by period, and which branches' parts did."""
    moved: dict[str, list[str]] = defaultdict(list)
    for member_id, period in sums.totals:
        moved[period].append(member_id)
    events.emit(
        *(BoardsTouched(PEOPLE, period, ids) for period, ids in sorted(moved.items())),
        *(
            BranchesTouched(period, sorted(ids), heads)
            for period, ids in sorted(sums.branches.items())
            if ids
        ),
    )
