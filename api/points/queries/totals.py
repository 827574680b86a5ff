"""Reading totals: boards from SQL, the numbers behind a push or a rebuild."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.core import db
from api.org.models import Branch, Member, Unit
from api.org.queries import tree
from api.points.models import BoardPart, BoardTotal
from api.points.rules.boards import FEW_PEOPLE, Place, band, band_heads

COUNT_UP_TO = 10_000
_total = BoardTotal.__table__.c
_part = BoardPart.__table__.c

Label = str | tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a board from SQL."""

    subject_id: str
    points: int
    reached_s: int


def exists(scope: str) -> bool:
    """Whether the unit or branch of a scope is there; bands always are."""
    kind, _colon, name = scope.partition(":")
    tables = {"unit": db.table(Unit), "branch": db.table(Branch)}
    if kind not in tables:
        return True
    key = tables[kind].c.id
    return db.connection().scalar(sa.select(key).where(key == name)) is not None


def _source(place: Place) -> Any:
    """The columns subject_id, points, reached_s of a place's rows."""
    kind, _colon, name = place.scope.partition(":")
    if place.of_people and kind in ("branch", "contest"):
        return _parts(place.period, _part.group_id == name)
    if place.of_people and kind == "unit":
        return _parts(place.period, _part.group_id.in_(_subtree(name)))
    rows = sa.select(_total.subject_id, _total.points, _total.reached_s).where(
        _total.board == place.board, _total.period == place.period
    )
    if kind == "unit":
        rows = rows.join(Branch, Branch.id == _total.subject_id)
        rows = rows.where(Branch.unit_id.in_(_subtree(name)))
    if kind == "band":
        rows = rows.where(_total.heads.between(*band_heads(name)))
    return rows.subquery("board").c


def _parts(period: str, of_group: sa.ColumnElement[bool]) -> Any:
    """What members earned in a group; somebody may have earned in several units of a subtree."""
    rows = (
        sa.select(
            _part.member_id.label("subject_id"),
            sa.func.sum(_part.points).label("points"),
            sa.func.max(_part.reached_s).label("reached_s"),
        )
        .where(_part.period == period, of_group)
        .group_by(_part.member_id)
    )
    return rows.subquery("board").c


def _subtree(unit_id: str) -> db.Rows:
    return sa.select(Unit.id).where(tree.below(tree.unit_path(unit_id)))


def scores_of(place: Place, subject_ids: Sequence[str]) -> dict[str, int]:
    """Packed scores of those among some subjects that have a row, as they are now."""
    found: dict[str, int] = {}
    source = _source(place)
    for start in range(0, len(subject_ids), 500):
        chunk = subject_ids[start : start + 500]
        statement = _scores(source).where(source.subject_id.in_(chunk))
        found |= dict(_packed(place, statement))
    return found


def next_scores(place: Place, after: str | None, limit: int) -> list[tuple[str, int]]:
    """Packed scores in the order of subjects' ids, for a rebuild."""
    source = _source(place)
    statement = _scores(source)
    if after:
        statement = statement.where(source.subject_id > after)
    return _packed(place, statement.order_by(source.subject_id).limit(limit))


def _packed(place: Place, statement: db.Rows) -> list[tuple[str, int]]:
    pack = place.packing.pack
    return [(r.subject_id, pack(r.points, r.reached_s)) for r in _rows(statement)]


def _scores(source: Any) -> db.Rows:
    return sa.select(source.subject_id, source.points, source.reached_s)


def _rows(statement: db.Rows) -> Sequence[Any]:
    return db.connection().execute(statement).all()


def page(place: Place, after: Line | None, limit: int, *, upward: bool = False) -> list[Line]:
    """Rows behind `after` in the board's order (before it, nearest first, if `upward`)."""
    source = _source(place)
    statement = _scores(source)
    if after:
        statement = statement.where(_behind(source, after, upward))
    order = (source.points.desc(), source.reached_s.asc(), source.subject_id.desc())
    if upward:
        order = (source.points.asc(), source.reached_s.desc(), source.subject_id.asc())
    return [Line(*row) for row in _rows(statement.order_by(*order).limit(limit))]


def _behind(source: Any, line: Line, upward: bool) -> sa.ColumnElement[bool]:
    points, reached, subject = source.points, source.reached_s, source.subject_id
    same = points == line.points
    together = sa.and_(same, reached == line.reached_s)
    if upward:
        return sa.or_(
            points > line.points,
            sa.and_(same, reached < line.reached_s),
            sa.and_(together, subject > line.subject_id),
        )
    return sa.or_(
        points < line.points,
        sa.and_(same, reached > line.reached_s),
        sa.and_(together, subject < line.subject_id),
    )


def line_of(place: Place, subject_id: str) -> Line | None:
    """A subject's own row."""
    source = _source(place)
    rows = _rows(_scores(source).where(source.subject_id == subject_id))
    return Line(*rows[0]) if rows else None


def size(place: Place) -> int:
    """How many rows a board has, counted no further than COUNT_UP_TO + 1."""
    few = _scores(_source(place)).limit(COUNT_UP_TO + 1).subquery()
    return int(db.connection().scalar(sa.select(sa.func.count()).select_from(few)) or 0)


def rank_of(place: Place, points: int) -> int:
    """Competition rank: one more than the rows with more points.  Counts; for small boards."""
    source = _source(place)
    above = sa.select(sa.func.count()).where(source.points > points)
    return 1 + int(db.connection().scalar(above) or 0)


def before(place: Place, line: Line) -> int:
    """How many rows stand before a row in the board's order.  Counts; for small boards."""
    source = _source(place)
    rows = _scores(source).where(_behind(source, line, upward=True)).subquery()
    return int(db.connection().scalar(sa.select(sa.func.count()).select_from(rows)) or 0)


def labels(place: Place, subject_ids: Sequence[str]) -> dict[str, Label]:
    """What a board calls its subjects: people by name, "" for those who hide; branches by name and
    whether they are so small that a figure would come close to one person's."""
    if not subject_ids:
        return {}
    if place.of_people:
        people = sa.select(Member.id, Member.nickname, Member.name, Member.on_boards).where(
            Member.id.in_(subject_ids)
        )
        return {r.id: (r.nickname or r.name) if r.on_boards else "" for r in _rows(people)}
    branches = (
        sa.select(Branch.id, Branch.name, _total.heads)
        .join(BoardTotal.__table__, _total.subject_id == Branch.id)
        .where(
            _total.board == place.board,
            _total.period == place.period,
            Branch.id.in_(subject_ids),
        )
    )
    return {row.id: (row.name, row.heads < FEW_PEOPLE) for row in _rows(branches)}


def scoped_scores(
    whole: Place, scopes: Sequence[str], subject_ids: Sequence[str]
) -> dict[str, dict[str, int | None]]:
    """Packed scores by scope for some subjects of a board; None where one has no row there.

    Two statements whatever the number of scopes.
    """
    parts = _groups_of(whole, subject_ids)
    pack = whole.packing.pack
    found: dict[str, dict[str, int | None]] = {}
    for scope in scopes:
        scores: dict[str, int | None] = dict.fromkeys(subject_ids)
        for subject_id, groups in parts.items():
            within = [(points, reached) for names, points, reached in groups if scope in names]
            if within:
                last = max(reached for _points, reached in within)
                scores[subject_id] = pack(sum(points for points, _reached in within), last)
        found[scope] = scores
    return found


_Group = tuple[frozenset[str], int, int]


def _groups_of(whole: Place, subject_ids: Sequence[str]) -> Mapping[str, list[_Group]]:
    """For each subject (scopes, points, reached) of what it has: a person by groups, a branch of
    all of it."""
    paths = tree.paths()
    groups: dict[str, list[_Group]] = defaultdict(list)
    for start in range(0, len(subject_ids), 500):
        chunk = subject_ids[start : start + 500]
        if whole.of_people:
            statement = sa.select(
                _part.member_id, _part.group_id, _part.points, _part.reached_s
            ).where(_part.period == whole.period, _part.member_id.in_(chunk))
            for member_id, group_id, points, reached in _rows(statement):
                names = {f"unit:{unit_id}" for unit_id in paths.get(group_id, ())}
                names |= {f"branch:{group_id}", f"contest:{group_id}"}
                groups[member_id].append((frozenset(names), points, reached))
            continue
        statement = (
            sa.select(
                _total.subject_id, Branch.unit_id, _total.heads, _total.points, _total.reached_s
            )
            .join(Branch, Branch.id == _total.subject_id)
            .where(
                _total.board == whole.board,
                _total.period == whole.period,
                _total.subject_id.in_(chunk),
            )
        )
        for branch_id, unit_id, heads, points, reached in _rows(statement):
            names = {f"unit:{above}" for above in paths.get(unit_id, ())} | {f"band:{band(heads)}"}
            groups[branch_id].append((frozenset(names), points, reached))
    return groups
