"""Rebuilding boards in Valkey from the totals, and totals from the ledger."""

from typing import Any

import sqlalchemy as sa

from api.core import db, jobs
from api.core.jobs import Job, Kind, Step
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.rules.boards import Place
from api.points.service import rebuilding, totals
from api.points.service.catalogue import RECOUNT

KIND = "points.rebuild_board"


def boards_owed() -> int:
    """Start rebuilding boards that Valkey should have and hasn't: those of the periods under way,
    and those somebody asked for; returns how many."""
    try:
        adapters.forget_if_restarted()
        asked = adapters.wanted()
        needed = [*rebuilding.present(), *asked]
        built = adapters.is_built(needed)
        missing = [place for place, there in zip(needed, built, strict=True) if not there]
        fresh = _start(missing) if missing else 0
        adapters.forget_wanted(asked)
    except ValkeyDown:
        return 0
    return fresh


def _start(missing: list[Place]) -> int:
    with db.transaction():
        known = _under_way()
        fresh = [place for place in dict.fromkeys(missing) if place not in known]
        for place in fresh:
            arguments = {"board": place.board, "period": place.period, "scope": place.scope}
            jobs.start(KIND, arguments)
    return len(fresh)


def _under_way() -> set[Place]:
    rows = db.session().scalars(
        sa.select(Job).where(Job.kind == KIND, Job.state.in_(jobs.OPEN_STATES))
    )
    return {_place(job) for job in rows}


def _place(job: Job) -> Place:
    return Place(job.args["board"], job.args["period"], job.args.get("scope", ""))


def _prepare(job: Job) -> dict[str, Any]:
    """One chunk into the new set; Valkey is outside any transaction."""
    place = _place(job)
    token = job.cursor.get("token") or adapters.begin_rebuild(place)
    scores = rebuilding.chunk(place, job.cursor.get("after"))
    if scores:
        held = adapters.add_chunk(place, token, dict(scores))
    else:
        held = adapters.finish_rebuild(place, token, needed_s=rebuilding.needed_s(place))
    return {"token": token, "scores": scores, "held": held}


def _apply(job: Job, made: dict[str, Any]) -> Step:
    scores = made["scores"]
    if not made["held"]:
        # Valkey was flushed meanwhile: begin again.
        return Step({}, done=0)
    if not scores:
        return Step(None, done=job.done, total=job.done)
    return Step({"token": made["token"], "after": scores[-1][0]}, done=job.done + len(scores))


def _recount(job: Job, _prepared: None) -> Step:
    members = rebuilding.next_members(job.cursor.get("after"))
    if not members:
        return Step(None, done=job.done, total=job.done)
    totals.recompute(members)
    total = job.total or rebuilding.count_members()
    return Step({"after": members[-1]}, done=job.done + len(members), total=total)


REBUILD = Kind(KIND, prepare=_prepare, apply=_apply)
RECOUNT_ALL = Kind(RECOUNT, prepare=lambda _job: None, apply=_recount)
