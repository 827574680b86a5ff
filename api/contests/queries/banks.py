"""Reading banks and questions, for organisers."""

from string import ascii_uppercase
from typing import Any

import sqlalchemy as sa

from api.contests.models import Question, QuestionBank, QuestionVersion
from api.contests.queries.contests import covered
from api.core import db, pages
from api.core.errors import NotFound

SEE = ("organizer", "admin")


def banks(*, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the banks that the principal's grants cover, newest first."""
    statement = sa.select(QuestionBank).where(covered(SEE, QuestionBank))
    return pages.page(
        statement, [QuestionBank.__table__.c.id], limit=limit, cursor=cursor, descending=True,
        show=bank_view,
    )  # fmt: skip


def bank(bank_id: str) -> QuestionBank:
    """One bank; raises NotFound."""
    row = db.session().get(QuestionBank, bank_id)
    if row is None:
        raise NotFound
    return row


def bank_view(row: QuestionBank) -> dict[str, Any]:
    """BankOut."""
    count = db.session().scalar(
        sa.select(sa.func.count()).where(Question.bank_id == row.id, ~Question.retired)
    )
    return {
        "id": row.id,
        "name": row.name,
        "unit_id": row.unit_id,
        "body_id": row.body_id,
        "questions": count or 0,
        "version": row.version,
    }


def _current() -> db.Rows:
    own = sa.and_(
        QuestionVersion.question_id == Question.id, QuestionVersion.number == Question.version
    )
    return sa.select(
        Question.id, Question.bank_id, Question.retired, Question.version,
        QuestionVersion.kind, QuestionVersion.stem, QuestionVersion.options, QuestionVersion.key,
        QuestionVersion.explanation, QuestionVersion.topic, QuestionVersion.difficulty,
    ).join(QuestionVersion, own)  # fmt: skip


def questions(bank_id: str, *, topic: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of a bank's questions in use, oldest first."""
    statement = _current().where(Question.bank_id == bank_id, ~Question.retired)
    if topic:
        statement = statement.where(QuestionVersion.topic == topic)
    order = [Question.__table__.c.id]
    return pages.page(statement, order, limit=limit, cursor=cursor, show=question_view)


def question(question_id: str) -> dict[str, Any]:
    """One question in its present version; raises NotFound."""
    row = db.connection().execute(_current().where(Question.id == question_id)).first()
    if row is None:
        raise NotFound
    return question_view(row)


def question_view(row: Any) -> dict[str, Any]:
    """QuestionOut."""
    return {
        "id": row.id,
        "bank_id": row.bank_id,
        "kind": row.kind,
        "stem": row.stem,
        "options": row.options,
        "answer": _answer(row.kind, row.key),
        "explanation": row.explanation,
        "topic": row.topic,
        "difficulty": row.difficulty,
        "retired": row.retired,
        "version": row.version,
    }


def _answer(kind: str, key: list[Any]) -> list[str]:
    """A stored key as organisers write it."""
    if kind in ("single", "multiple"):
        return [ascii_uppercase[index] for index in key]
    if kind == "true_false":
        return [str(part) for part in key]
    return ["; ".join(alternatives) for alternatives in key]
