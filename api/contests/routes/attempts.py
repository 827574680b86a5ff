"""Taking part: start, save, submit, review."""

from typing import Any

from api.contests.queries import papers as shown
from api.contests.schemas.attempts import (
    AnswersIn,
    AttemptOut,
    ReviewOut,
    SavedOut,
    SubmitIn,
    SubmitOut,
    parse_answers,
    parse_submit,
)
from api.contests.service import attempts as service
from api.core import auth
from api.core.http import EMPLOYEE, Routes

routes = Routes("attempts")


@routes.endpoint(
    "POST /contests/{contest_id}/attempts", who=EMPLOYEE, reply=AttemptOut, status=201,
    summary="Start an attempt, or get the running one",
    problems=(service.NotOpen, service.NotForYou, service.NoTriesLeft),
)  # fmt: skip
def start_attempt(contest_id: str) -> dict[str, Any]:
    return shown.attempt(service.start(contest_id, auth.principal().member_id))


@routes.endpoint(
    "GET /attempts/{attempt_id}", who=EMPLOYEE, reply=AttemptOut,
    summary="My attempt: paper without key, deadline, saved answers",
)  # fmt: skip
def get_attempt(attempt_id: str) -> dict[str, Any]:
    return shown.attempt(shown.mine(attempt_id))


@routes.endpoint(
    "PUT /attempts/{attempt_id}/answers", who=EMPLOYEE, body=AnswersIn, parse=parse_answers,
    reply=SavedOut, summary="Save answers in a batch", audited=False,
    problems=(service.NotOpen, service.AttemptOver, service.AlreadySubmitted, service.Paused),
)  # fmt: skip
def save_answers(attempt_id: str, body: Any) -> dict[str, Any]:
    return shown.saved(*service.save(attempt_id, auth.principal().member_id, body))


@routes.endpoint(
    "POST /attempts/{attempt_id}/submit", who=EMPLOYEE, body=SubmitIn, parse=parse_submit,
    reply=SubmitOut, durable=True, problems=(service.NotOpen, service.Paused),
    summary="Submit, with the last answers if there are any; a second time gives the same reply",
)  # fmt: skip
def submit_attempt(attempt_id: str, body: Any) -> dict[str, Any]:
    return shown.result(service.submit(attempt_id, auth.principal().member_id, body))


@routes.endpoint(
    "GET /attempts/{attempt_id}/review", who=EMPLOYEE, reply=ReviewOut,
    summary="What the contest's review rule shows of my attempt now",
)  # fmt: skip
def review_attempt(attempt_id: str) -> dict[str, Any]:
    return shown.review(shown.mine(attempt_id))
