"""Rebuilding boards in Valkey from the totals."""

from typing import Any

import sqlalchemy as sa

from api.core import clock, db, jobs
from api.core.jobs import Job, Kind, Step
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.queries import catalogue
from api.points.queries import totals as queries
from api.points.rules import ALL_TIME, periods
from api.points.service.boards import note_names
from api.points.service.totals import BOARDS

KIND = "points.rebuild_board"
ROWS_A_STEP = 2000


def boards_owed() -> int:
    """Start rebuilding boards of the present that Valkey doesn't have; returns how many."""
    month = periods(clock.now(), catalogue.zone()).month
    wanted = [(board, period) for board in BOARDS for period in (month, ALL_TIME)]
    try:
        built = adapters.is_built(wanted)
    except ValkeyDown:
        return 0
    missing = [place for place, there in zip(wanted, built, strict=True) if not there]
    if not missing:
        return 0
    with db.transaction():
        under_way = _under_way()
        fresh = [place for place in missing if place not in under_way]
        for board, period in fresh:
            jobs.start(KIND, {"board": board, "period": period})
    return len(fresh)


def _under_way() -> set[tuple[str, str]]:
    rows = db.session().scalars(
        sa.select(Job).where(Job.kind == KIND, Job.state.in_(jobs.OPEN_STATES))
    )
    return {(job.args["board"], job.args["period"]) for job in rows}


def rebuild(board: str, period: str) -> int:
    """Rebuild one board at once; returns how many rows it has.  Raises ValkeyDown."""
    token, after, count = adapters.begin_rebuild(board, period), None, 0
    while scores := _chunk(board, period, after):
        adapters.add_chunk(board, period, token, scores)
        after, count = scores[-1][0], count + len(scores)
    adapters.finish_rebuild(board, period, token)
    return count


def _chunk(board: str, period: str, after: str | None) -> list[tuple[str, int]]:
    with db.reading():
        scores = queries.next_scores(board, period, after, ROWS_A_STEP)
        names = queries.names(board, [subject_id for subject_id, _score in scores])
    note_names(board, names)
    return scores


def _prepare(job: Job) -> dict[str, Any]:
    """One chunk into the new set; Valkey is outside any transaction."""
    board, period = job.args["board"], job.args["period"]
    token = job.cursor.get("token") or adapters.begin_rebuild(board, period)
    scores = _chunk(board, period, job.cursor.get("after"))
    if scores:
        held = adapters.add_chunk(board, period, token, scores)
    else:
        held = adapters.finish_rebuild(board, period, token)
    return {"token": token, "scores": scores, "held": held}


def _apply(job: Job, made: dict[str, Any]) -> Step:
    scores = made["scores"]
    if not made["held"]:
        # Valkey was flushed meanwhile: begin again.
        return Step({}, done=0)
    if not scores:
        return Step(None, done=job.done, total=job.done)
    return Step({"token": made["token"], "after": scores[-1][0]}, done=job.done + len(scores))


REBUILD = Kind(KIND, prepare=_prepare, apply=_apply)
