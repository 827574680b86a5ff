"""Branch totals: made of the parts that a branch's people earned while in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from api.core import db, events
from api.org.models import ABSENT_STATUSES, BRANCH_KINDS, Branch, Member, Membership
from api.points.events import BoardsTouched, BranchesTouched
from api.points.models import Board, BoardPart, BoardTotal
from api.points.queries import catalogue
from api.points.rules import boards, packing
from api.points.rules.boards import Figures, Method
from api.points.rules.periods import of_day, seasons_of, span

PREFIX = "branches-"
BOARDS = tuple(PREFIX + kind for kind in BRANCH_KINDS)
_total = BoardTotal.__table__.c
_part = BoardPart.__table__.c

Touched = Mapping[str, set[str]]


def follow(batch: Sequence[BranchesTouched]) -> None:
    """The reaction: make the totals of touched branches anew, and announce them."""
    touched: dict[str, set[str]] = defaultdict(set)
    recounted: set[tuple[str, str]] = set()
    for event in batch:
        touched[event.period].update(event.branch_ids)
        if event.heads:
            recounted.update((event.period, branch_id) for branch_id in event.branch_ids)
    kinds = _by_kind({branch_id for ids in touched.values() for branch_id in ids})
    for kind, branch_ids in sorted(kinds.items()):
        of_kind = {period: ids & branch_ids for period, ids in touched.items()}
        _make(PREFIX + kind, {p: ids for p, ids in of_kind.items() if ids}, recounted)


def _by_kind(branch_ids: set[str]) -> dict[str, set[str]]:
    rows = db.connection().execute(
        sa.select(Branch.kind, Branch.id).where(Branch.id.in_(branch_ids))
    )
    kinds: dict[str, set[str]] = defaultdict(set)
    for kind, branch_id in rows:
        kinds[kind].add(branch_id)
    return kinds


def _make(board: str, touched: Touched, recounted: set[tuple[str, str]]) -> None:
    method = catalogue.methods().get(board, Method())
    figures = _figures(touched, method.best_n)
    heads = _heads(board, touched, recounted)
    rows, gone = [], []
    for period, branch_id in sorted((p, b) for p, ids in touched.items() for b in ids):
        if found := figures.get((period, branch_id)):
            rows.append(_row(board, period, method, found, heads[period, branch_id]))
        else:
            gone.append((period, branch_id))
    _store(rows)
    _remove(board, gone)
    events.emit(*(BoardsTouched(board, p, sorted(ids)) for p, ids in sorted(touched.items())))


def _row(board: str, period: str, method: Method, found: Any, heads: int) -> dict[str, Any]:
    figures = Figures(found.total, found.best, found.participants, heads)
    # Points have a range; a mean that would leave it stays at its end.
    most = packing.GROUPS.most
    return {
        "board": board,
        "period": period,
        "subject_id": found.group_id,
        "points": max(-most, min(most, boards.value(method, figures))),
        "sum_points": found.total,
        "heads": heads,
        "participants": found.participants,
        "reached_s": packing.GROUPS.rounded(found.reached),
    }


def _figures(touched: Touched, best_n: int) -> dict[tuple[str, str], Any]:
    """Sum, best n, participants and last second of the parts of branches, by (period, branch)."""
    place = (
        sa.func.row_number()
        .over(partition_by=(_part.period, _part.group_id), order_by=_part.points.desc())
        .label("place")
    )
    ranked = (
        sa.select(_part.period, _part.group_id, _part.points, _part.reached_s, place)
        .where(_part.period.in_(touched), _part.group_id.in_(_all(touched)))
        .subquery()
    )
    best = sa.case((ranked.c.place <= best_n, ranked.c.points), else_=0)
    statement = sa.select(
        ranked.c.period,
        ranked.c.group_id,
        sa.func.sum(ranked.c.points).label("total"),
        sa.func.sum(best).label("best"),
        sa.func.sum(sa.case((ranked.c.points > 0, 1), else_=0)).label("participants"),
        sa.func.max(ranked.c.reached_s).label("reached"),
    ).group_by(ranked.c.period, ranked.c.group_id)
    rows = db.connection().execute(statement)
    return {(row.period, row.group_id): row for row in rows}


def _all(touched: Touched) -> set[str]:
    return {branch_id for ids in touched.values() for branch_id in ids}


def _heads(
    board: str, touched: Touched, recounted: set[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Heads by (period, branch): as counted before, unless there is no count or it is asked for."""
    rows = db.connection().execute(
        sa.select(_total.period, _total.subject_id, _total.heads).where(
            _total.board == board,
            _total.period.in_(touched),
            _total.subject_id.in_(_all(touched)),
        )
    )
    known = {(r.period, r.subject_id): r.heads for r in rows}
    missing: dict[date, set[str]] = defaultdict(set)
    wanted = [(p, b) for p, ids in touched.items() for b in ids]
    fresh = [key for key in wanted if key in recounted or key not in known]
    days = _reference_days({period for period, _branch in fresh})
    for period, branch_id in fresh:
        missing[days[period]].add(branch_id)
    counts = {day: head_counts(ids, day) for day, ids in missing.items()}
    return known | {(p, b): counts[days[p]].get(b, 0) for p, b in fresh}


def _reference_days(periods: Iterable[str]) -> dict[str, date]:
    """The day for which a period's heads are counted: its last, or today while it runs."""
    today, seasons = catalogue.today(), catalogue.all_seasons()
    spans = {period: span(period, seasons) for period in periods}
    return {period: min(found[1], today) if found else today for period, found in spans.items()}


def head_counts(branch_ids: Iterable[str], on: date) -> dict[str, int]:
    """How many members each branch has on a day, without those away (long leave, secondment ...)
    now."""
    rows = db.connection().execute(
        sa.select(Membership.branch_id, sa.func.count().label("heads"))
        .join(Member, Member.id == Membership.member_id)
        .where(
            Membership.branch_id.in_(branch_ids),
            Membership.from_on <= on,
            sa.or_(Membership.until_on.is_(None), Membership.until_on > on),
            Member.status.not_in(ABSENT_STATUSES),
        )
        .group_by(Membership.branch_id)
    )
    return {row.branch_id: row.heads for row in rows}


def _store(rows: Sequence[dict[str, Any]]) -> None:
    key = ["board", "period", "subject_id"]
    for start in range(0, len(rows), 500):
        statement = db.insert(BoardTotal).values(list(rows[start : start + 500]))
        changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
        db.connection().execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def _remove(board: str, gone: Sequence[tuple[str, str]]) -> None:
    """Nobody has earned anything for these any more: they have no row."""
    for period, branch_id in gone:
        db.connection().execute(
            sa.delete(BoardTotal).where(
                _total.board == board, _total.period == period, _total.subject_id == branch_id
            )
        )


def count_owed() -> int:
    """Let heads be counted where a day has passed or a board compares otherwise since; returns for
    how many boards."""
    today = catalogue.today()
    owed = sa.or_(Board.counted_on.is_(None), Board.counted_on < today)
    with db.reading() as conn:
        waiting = conn.scalar(sa.select(sa.func.count()).select_from(Board).where(owed))
    if not waiting:
        return 0
    with db.transaction() as conn:
        keys = conn.scalars(
            sa.update(Board).where(owed).values(counted_on=today).returning(Board.key)
        ).all()
        under_way = (*of_day(today).long, *seasons_of(today, catalogue.all_seasons()))
        for period in under_way:
            _touch([key for key in keys if key in BOARDS], period)
    return len(keys)


def _touch(keys: Sequence[str], period: str) -> None:
    rows = db.connection().scalars(
        sa.select(_total.subject_id).where(_total.board.in_(keys), _total.period == period)
    )
    ids = sorted(rows)
    events.emit(
        *(
            BranchesTouched(period, ids[start : start + 200], heads=True)
            for start in range(0, len(ids), 200)
        )
    )
