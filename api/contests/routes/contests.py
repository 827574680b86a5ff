"""Running contests: drafts, publication, pauses, settlement, results."""

from typing import Any

from api.contests.queries import contests as queries
from api.contests.queries import views
from api.contests.schemas import contests as schemas
from api.contests.service import contests as service
from api.contests.service import results
from api.core import auth, jobs
from api.core.auth import Scope
from api.core.http import EMPLOYEE, Routes
from api.core.routes import JobOut
from api.core.schemas import PageQuery, page_of

routes = Routes("contests")
RUN = service.ORGANIZERS
WATCH = ("organizer", "admin", "auditor")


def _owner(body: dict[str, Any]) -> Scope:
    return Scope(body["unit_id"], body["body_id"])


@routes.endpoint(
    "GET /contests", who=EMPLOYEE, query=schemas.ContestQuery, reply=page_of(schemas.ContestOut),
    summary="Contests for me, and those my roles let me see",
)  # fmt: skip
def list_contests(query: dict[str, Any]) -> dict[str, Any]:
    return views.contests(**query)


@routes.endpoint(
    "POST /contests", who=RUN, over=_owner, body=schemas.ContestIn, reply=schemas.ContestOut,
    status=201, idempotent=True, summary="Draft a contest",
)  # fmt: skip
def create_contest(body: dict[str, Any]) -> dict[str, Any]:
    return views.contest(service.create(body))


@routes.endpoint(
    "GET /contests/{contest_id}", who=EMPLOYEE, reply=schemas.ContestOut, etag=True,
    summary="One contest",
)  # fmt: skip
def get_contest(contest_id: str) -> dict[str, Any]:
    return views.contest(views.visible(contest_id))


@routes.endpoint(
    "PATCH /contests/{contest_id}", who=RUN, over=queries.scope_of_contest, etag=True,
    body=schemas.ContestPatch, reply=schemas.ContestOut, problems=(service.WrongState,),
    summary="Change a draft (after publishing: title and description)",
)  # fmt: skip
def edit_contest(contest_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return views.contest(service.edit(contest_id, if_match, body))


@routes.endpoint(
    "POST /contests/{contest_id}/publish", who=RUN, over=queries.scope_of_contest,
    query=schemas.PublishQuery, reply=schemas.PublishOut,
    problems=(service.WrongState, service.BankTooSmall),
    summary="Freeze the paper and open it to its audience; dry_run says what that would be",
)  # fmt: skip
def publish_contest(contest_id: str, query: dict[str, Any]) -> dict[str, Any]:
    return views.published(*service.publish(contest_id, **query))


@routes.endpoint(
    "POST /contests/{contest_id}/pause", who=RUN, over=queries.scope_of_contest,
    reply=schemas.ContestOut, problems=(service.WrongState,), summary="Stop everybody's clock",
)  # fmt: skip
def pause_contest(contest_id: str) -> dict[str, Any]:
    return views.contest(service.pause(contest_id))


@routes.endpoint(
    "POST /contests/{contest_id}/resume", who=RUN, over=queries.scope_of_contest,
    reply=schemas.ContestOut, problems=(service.WrongState,),
    summary="Go on; the paused time is given back",
)  # fmt: skip
def resume_contest(contest_id: str) -> dict[str, Any]:
    return views.contest(service.resume(contest_id))


@routes.endpoint(
    "POST /contests/{contest_id}/extend", who=RUN, over=queries.scope_of_contest,
    body=schemas.ExtendIn, reply=schemas.ContestOut, problems=(service.WrongState,),
    summary="Close later",
)  # fmt: skip
def extend_contest(contest_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return views.contest(service.extend(contest_id, body["closes_at"]))


@routes.endpoint(
    "POST /contests/{contest_id}/cancel", who=RUN, over=queries.scope_of_contest,
    reply=schemas.ContestOut, problems=(service.WrongState,), summary="Call the contest off",
)  # fmt: skip
def cancel_contest(contest_id: str) -> dict[str, Any]:
    return views.contest(service.cancel(contest_id))


@routes.endpoint(
    "POST /contests/{contest_id}/settle", who=RUN, over=queries.scope_of_contest, reply=JobOut,
    status=202, problems=(service.WrongState,),
    summary="Rank the results now (the schedule does it after the close)",
)  # fmt: skip
def settle_contest(contest_id: str) -> dict[str, Any]:
    return jobs.as_json(results.start(contest_id, auth.principal().member_id))


@routes.endpoint(
    "POST /contests/{contest_id}/release", who=RUN, over=queries.scope_of_contest,
    reply=schemas.ContestOut, problems=(service.WrongState,), summary="Show the settled results",
)  # fmt: skip
def release_contest(contest_id: str) -> dict[str, Any]:
    return views.contest(service.release(contest_id))


@routes.endpoint(
    "GET /contests/{contest_id}/results", who=EMPLOYEE, query=PageQuery,
    reply=schemas.ResultsOut, problems=(service.NotReleased,),
    summary="Ranks, with the rule that broke each tie",
)  # fmt: skip
def list_results(contest_id: str, query: dict[str, Any]) -> dict[str, Any]:
    return views.results(views.released(contest_id, service.NotReleased), **query)


@routes.endpoint(
    "GET /contests/{contest_id}/branch-results", who=EMPLOYEE, reply=schemas.BranchResultsOut,
    problems=(service.NotReleased,), summary="Branches ranked among those of like size",
)  # fmt: skip
def list_branch_results(contest_id: str) -> dict[str, Any]:
    return views.branch_results(views.released(contest_id, service.NotReleased))


@routes.endpoint(
    "GET /contests/{contest_id}/statistics", who=WATCH, over=queries.scope_of_participation,
    reply=schemas.StatisticsOut, summary="Participation by branch: counts, not names",
)  # fmt: skip
def get_statistics(contest_id: str) -> dict[str, Any]:
    return views.statistics(contest_id)
