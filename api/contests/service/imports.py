"""Importing questions: checked whole, then added in short steps.

Nothing is imported while any row is wrong, unless the organiser asked to skip wrong rows.
Questions the bank already holds are flagged and left out, so that a step may run twice.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from api.contests.formats.drafts import ParsedQuestion, RowError, fingerprint
from api.contests.formats.questions import Parsed, read_questions
from api.contests.models import Question, QuestionVersion
from api.core import clock, db, files, jobs
from api.core.bodies import Upload
from api.core.jobs import Job, Step

KIND = "contests.import_questions"
A_STEP = 250
MAX_SHOWN = 1000


def start(bank_id: str, upload: Upload, member_id: str, *, dry_run: bool, skip_errors: bool) -> Job:
    """Keep the file and start the job."""
    stored = files.add(upload.content, upload.name, "application/octet-stream", member_id)
    args = {
        "bank_id": bank_id,
        "digest": stored.digest,
        "name": upload.name,
        "dry_run": dry_run,
        "skip_errors": skip_errors,
    }
    return jobs.start(KIND, args, member_id=member_id)


@lru_cache(maxsize=1)
def _parsed(digest: str, name: str) -> Parsed:
    """The file, read once for all steps of its job."""
    return read_questions(files.read(digest), name)


def prepare(job: Job) -> Parsed:
    """Read and check the whole file; slow, outside any transaction."""
    return _parsed(job.args["digest"], job.args["name"])


def apply(job: Job, parsed: Parsed) -> Step:
    """Refuse, preview, or add the next questions."""
    errors = [_error(error) for error in parsed.errors[:MAX_SHOWN]]
    at = job.cursor.get("at", 0)
    total = len(parsed.questions)
    if errors and not (job.args["skip_errors"] or job.args["dry_run"]):
        result = _counts(parsed, 0, [])
        return Step(None, total=total, result=result, errors=errors, failed=True)
    chunk = parsed.questions[at : at + A_STEP]
    fresh, held = _split(job.args["bank_id"], chunk)
    if not job.args["dry_run"]:
        _insert(job.args["bank_id"], fresh)
    added = job.cursor.get("added", 0) + len(fresh)
    duplicates = (job.cursor.get("held", []) + held)[:MAX_SHOWN]
    at += len(chunk)
    if at < total:
        cursor = {"at": at, "added": added, "held": duplicates}
        return Step(cursor, done=at, total=total)
    result = _counts(parsed, added, duplicates)
    return Step(None, done=total, total=total, result=result, errors=errors)


def _error(error: RowError) -> dict[str, Any]:
    return jobs.row_error(error.row, error.column, error.value, error.text)


def _counts(parsed: Parsed, added: int, held: Sequence[int]) -> dict[str, Any]:
    """The job's result: rows are those of the file."""
    return {
        "questions": len(parsed.questions),
        "added": added,
        "errors": len(parsed.errors),
        "duplicates_in_file": [list(pair) for pair in parsed.duplicates[:MAX_SHOWN]],
        "already_in_bank": list(held),
    }


def _split(
    bank_id: str, chunk: Sequence[ParsedQuestion]
) -> tuple[list[tuple[str, ParsedQuestion]], list[int]]:
    """(fingerprint, question) of those new to the bank, and the rows of the others."""
    marked = [(fingerprint(q.stem, q.options), q) for q in chunk]
    known = set(
        db.connection()
        .execute(
            sa.select(Question.fingerprint).where(
                Question.bank_id == bank_id,
                ~Question.retired,
                Question.fingerprint.in_([mark for mark, _question in marked]),
            )
        )
        .scalars()
    )
    fresh: list[tuple[str, ParsedQuestion]] = []
    held = []
    for mark, question in marked:
        if mark in known:
            held.append(question.row)
        else:
            known.add(mark)
            fresh.append((mark, question))
    return fresh, held


def _insert(bank_id: str, fresh: Sequence[tuple[str, ParsedQuestion]]) -> None:
    if not fresh:
        return
    now = clock.now()
    questions, versions = [], []
    for mark, parsed in fresh:
        question_id = db.new_id()
        questions.append({
            "id": question_id, "bank_id": bank_id, "fingerprint": mark, "retired": False,
            "version": 1,
        })  # fmt: skip
        versions.append({
            "question_id": question_id, "number": 1, "kind": parsed.kind, "stem": parsed.stem,
            "options": list(parsed.options), "key": _plain(parsed.key),
            "explanation": parsed.explanation, "topic": parsed.topic,
            "difficulty": parsed.difficulty, "created_at": now,
        })  # fmt: skip
    db.connection().execute(sa.insert(Question), questions)
    db.connection().execute(sa.insert(QuestionVersion), versions)


def _plain(key: Sequence[Any]) -> list[Any]:
    return [list(part) if isinstance(part, (tuple, list)) else part for part in key]
