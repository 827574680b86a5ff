"""A published contest's definition, kept in the process: it changes only with its version."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.contests.models import Contest, QuestionVersion
from api.contests.rules.marking import Question
from api.core import db
from api.core.errors import NotFound

MAX_KEPT = 64


@dataclass(frozen=True, slots=True)
class Definition:
    """What marking and showing need: settings, the frozen pool, the wording of its questions.

    `questions` maps question version ids to questions worth their points in this contest;
    `explanations` likewise.
    """

    contest_id: str
    version: int
    settings: Mapping[str, Any]
    pool: tuple[int, ...]
    questions: Mapping[int, Question]
    explanations: Mapping[int, str]


_kept: OrderedDict[tuple[str, int], Definition] = OrderedDict()


def definition(contest_id: str, version: int) -> Definition:
    """The definition of one version of a contest; raises NotFound."""
    known = _kept.get((contest_id, version))
    if known is None:
        known = _kept[(contest_id, version)] = _loaded(contest_id, version)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return known


def _loaded(contest_id: str, version: int) -> Definition:
    contest = Contest.__table__.c
    row = (
        db.connection()
        .execute(
            sa.select(contest.settings, contest.pool).where(
                contest.id == contest_id, contest.version == version
            )
        )
        .first()
    )
    if row is None:
        raise NotFound
    points = dict(row.pool)
    versions = question_versions(list(points))
    return Definition(
        contest_id=contest_id,
        version=version,
        settings=row.settings,
        pool=tuple(points),
        questions={v.id: as_question(v, points[v.id]) for v in versions},
        explanations={v.id: v.explanation for v in versions},
    )


def question_versions(ids: list[int]) -> list[Any]:
    """Rows of question versions, in no particular order; 500 ids a statement."""
    table = QuestionVersion.__table__
    found: list[Any] = []
    for start in range(0, len(ids), 500):
        chunk = sa.select(table).where(table.c.id.in_(ids[start : start + 500]))
        found.extend(db.connection().execute(chunk))
    return found


def as_question(row: Any, points_hundredths: int) -> Question:
    """The pure question of a version's row."""
    return Question(
        kind=row.kind,
        stem=row.stem,
        options=tuple(row.options),
        key=tuple(tuple(part) if isinstance(part, list) else part for part in row.key),
        points_hundredths=points_hundredths,
    )
