"""Synchronising with HR's roster: check, give errors back, apply in short steps.

The file and its comparison are worked out once for each process and job; a job that is taken
over after a crash works them out again and goes on at the row where it stopped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.core import db, files, jobs
from api.core.auth import Scope
from api.core.bodies import Upload
from api.core.errors import invalid
from api.core.i18n import Text, _
from api.core.jobs import Job, Step
from api.org.formats import roster as format_
from api.org.formats.roster import Roster
from api.org.formats.slips import XLSX
from api.org.models import Unit
from api.org.queries.people import chunks
from api.org.service import roster_apply, roster_plan
from api.org.service.roster_plan import Book, Preview

KIND = "org.roster"
ROWS_A_STEP = 200
ERRORS_SHOWN = 500
MAX_LEAVING = 0.05


@dataclass(slots=True)
class Checked:
    """A roster held against the database, kept for the job `job_id`."""

    job_id: str
    roster: Roster
    preview: Preview
    present: int
    book: Book | None = None
    book_is_for: int = 0


_held: list[Checked] = []


def reach_of(query: Mapping[str, Any]) -> Scope:
    """The scope that somebody must administer for this import."""
    code = query["company"]
    if code is None:
        return Scope()
    company = sa.select(Unit.id).where(Unit.code == code, Unit.kind == "company")
    unit_id = db.connection().scalar(company)
    if unit_id is None:
        raise invalid("company", _("There is no such company."))
    return Scope(unit_id)


def start(upload: Upload, member_id: str, language: str, query: Mapping[str, Any]) -> Job:
    """A job that synchronises with a file, in the transaction in force."""
    stored = files.add(upload.content, upload.name, "application/octet-stream", member_id)
    args = {"digest": stored.digest, "name": upload.name, "language": language, **query}
    return jobs.start(KIND, args, member_id=member_id)


def prepare(job: Job) -> Any:
    """What the next step needs, read outside any transaction."""
    checked = _checked(job)
    phase = job.cursor.get("phase", "check")
    if phase == "annotate":
        content = files.read(job.args["digest"])
        return format_.annotated(
            content, checked.roster.errors, job.args["language"], lambda: jobs.keep(job)
        )
    if phase == "rows":
        return checked, _book(checked, job)
    if phase == "leavers":
        return _leaving(checked, job)
    return checked


def _checked(job: Job) -> Checked:
    if _held and _held[0].job_id == job.id:
        return _held[0]
    company = job.args["company"]

    def beat() -> None:
        jobs.keep(job)

    roster = format_.read(files.read(job.args["digest"]), company, beat)
    preview, present = roster_plan.check(roster, job.id, company, beat)
    roster.errors.sort(key=lambda error: error["row"])
    _held[:] = [Checked(job.id, roster, preview, present)]
    jobs.keep(job)
    return _held[0]


def _book(checked: Checked, job: Job) -> Book:
    """The book as the step before left it, if that step was committed; else read anew."""
    if checked.book is None or checked.book_is_for != job.cursor["next"]:
        with db.reading():
            checked.book = roster_plan.book_of({p.company for p in checked.roster.people})
    return checked.book


def _rows(checked: Checked, job: Job) -> list[format_.Person]:
    begin = job.cursor["next"]
    return checked.roster.people[begin : begin + ROWS_A_STEP]


def _leaving(checked: Checked, job: Job) -> list[str]:
    """Ids of the next members who aren't in the file and haven't left yet."""
    codes = {code for code, _number in checked.roster.seen}
    found: list[str] = []
    with db.reading():
        safe = roster_plan.kept()
        for code, company_id in sorted(roster_plan.book_of(codes).companies.items()):
            known = roster_plan.known_members(company_id)
            here = {n: m for n, m in known.items() if m.status != "left" and m.id < job.id}
            gone = roster_plan.leavers(checked.roster, code, here, safe)
            found.extend(here[number].id for number in sorted(gone))
    return found


def apply(job: Job, prepared: Any) -> Step:
    """One step: check, annotate, some rows, or some leavers."""
    phase = job.cursor.get("phase", "check")
    if phase == "check":
        return _apply_check(job, prepared)
    if phase == "annotate":
        return _apply_annotate(job, prepared)
    if phase == "rows":
        return _apply_rows(job, *prepared)
    return _apply_leavers(job, prepared)


def _apply_check(job: Job, checked: Checked) -> Step:
    errors = checked.roster.errors
    wrong_rows = len({error["row"] for error in errors})
    preview = checked.preview.as_json()
    preview["counts"] |= {"errors": wrong_rows, "present": checked.present}
    job.result = {
        "dry_run": job.args["dry_run"], "rows": len(checked.roster.people) + wrong_rows,
        **preview, "annotated_file_id": None, "applied": None,
    }  # fmt: skip
    job.errors = errors[:ERRORS_SHOWN]
    if errors:
        return Step({"phase": "annotate"}, total=len(checked.roster.people))
    return _decide(job)


def _apply_annotate(job: Job, content: bytes) -> Step:
    name = f"{job.args['name'].rpartition('.')[0] or 'roster'}-errors.xlsx"
    stored = files.add(content, name, XLSX, job.member_id)
    job.result = {**job.result, "annotated_file_id": stored.id}
    return _decide(job)


def _decide(job: Job) -> Step:
    """Go on to the rows, or end: a preview, errors, or too many leavers."""
    counts = job.result["counts"]
    if counts["errors"] and not (job.args["skip_errors"] or job.args["dry_run"]):
        return _end(job, failed=True)
    too_many = counts["leave"] > MAX_LEAVING * counts["present"]
    if too_many and not job.args["allow_leavers"]:
        wrong = _("{leave} of {present} members would leave, more than 5 %. Check the file; if it "
                  "is right, send it again with allow_leavers=true.",
                  leave=counts["leave"], present=counts["present"])  # fmt: skip
        job.errors = [_told("too-many-leavers", wrong), *job.errors]
        return _end(job, failed=not job.args["dry_run"])
    if job.args["dry_run"]:
        return _end(job)
    applied = {"joined": 0, "changed": 0, "left": 0}
    total = job.result["rows"] - counts["errors"]
    return Step({"phase": "rows", "next": 0, "applied": applied}, total=total)


def _told(code: str, text: Text) -> dict[str, Any]:
    return {"code": code, "message": {"template": text.template, "params": dict(text.params)}}


def _end(job: Job, *, failed: bool = False) -> Step:
    _held.clear()
    return Step(
        None, done=job.done, total=job.total, result=job.result, errors=job.errors, failed=failed
    )


def _apply_rows(job: Job, checked: Checked, book: Book) -> Step:
    people = _rows(checked, job)
    done = roster_apply.apply_rows(book, people, has_units=checked.roster.has_units)
    applied = _added(job.cursor["applied"], done.as_json())
    # The book now knows what this step made: it is good for the next step alone.
    begun = checked.book_is_for = job.cursor["next"] + len(people)
    if begun < len(checked.roster.people):
        return Step({"phase": "rows", "next": begun, "applied": applied}, done=begun)
    return Step({"phase": "leavers", "next": begun, "applied": applied}, done=begun)


def _added(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {name: before[name] + now.get(name, 0) for name in before}


def _apply_leavers(job: Job, leaving: list[str]) -> Step:
    some = next(chunks(leaving, ROWS_A_STEP), [])
    left = roster_apply.let_go(some)
    applied = _added(job.cursor["applied"], {"left": left})
    if len(leaving) > len(some):
        return Step({**job.cursor, "applied": applied}, done=job.done)
    job.result = {**job.result, "applied": applied}
    return _end(job)
