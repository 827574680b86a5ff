"""Points and boards."""

import hashlib
from typing import Any

from flask import Response, request

from api.core import auth
from api.core.errors import Conflict
from api.core.handlers import language
from api.core.http import EMPLOYEE, Reply, Routes
from api.core.schemas import PageQuery, page_of
from api.points import schemas
from api.points.queries import views
from api.points.service import boards, catalogue
from api.points.service import rules as service

routes = Routes("points")
RULERS = ("organizer", "admin")


@routes.endpoint(
    "GET /leaderboards", who=EMPLOYEE, reply=schemas.BoardsOut, summary="Which boards there are",
)  # fmt: skip
def list_boards() -> dict[str, Any]:
    return views.listed(language())


@routes.endpoint(
    "GET /leaderboards/{key}/settings", who=EMPLOYEE, reply=schemas.BoardOut, etag=True,
    summary="What a board ranks by, and whether it is switched on",
)  # fmt: skip
def get_board_settings(key: str) -> dict[str, Any]:
    return views.board(views.settings(key), language())


@routes.endpoint(
    "PATCH /leaderboards/{key}/settings", who=RULERS, over=auth.everywhere,
    body=schemas.BoardChange,
    reply=schemas.BoardOut, etag=True,
    summary="Switch a board off or on, or compare branches otherwise",
)  # fmt: skip
def change_board_settings(key: str, body: dict[str, Any], if_match: int) -> dict[str, Any]:
    return views.board(catalogue.change(key, body, if_match), language())


@routes.endpoint(
    "GET /seasons", who=EMPLOYEE, reply=schemas.SeasonsOut, summary="Named seasons, oldest first",
)  # fmt: skip
def list_seasons() -> dict[str, Any]:
    return views.seasons(language())


@routes.endpoint(
    "POST /seasons", who=RULERS, over=auth.everywhere, body=schemas.SeasonIn,
    reply=schemas.SeasonOut, status=201, idempotent=True, problems=(Conflict,),
    summary="A named season; one that has begun is filled from the ledger",
)  # fmt: skip
def add_season(body: dict[str, Any]) -> dict[str, Any]:
    return views.season(catalogue.add_season(body), language())


@routes.endpoint(
    "GET /leaderboards/{key}", who=EMPLOYEE, query=schemas.BoardQuery,
    reply=schemas.LeaderboardOut, own_transactions=True,
    summary="A board: top, page, or around me; an unchanged one answers 304",
)  # fmt: skip
def get_board(key: str, query: dict[str, Any]) -> Any:
    wanted = boards.wish(key, query)
    shape = _shape(wanted)
    version, shown = boards.read(wanted, _known(shape))
    tag = {"ETag": f'"{version}-{shape}"'} if version else {}
    if shown is None:
        return Response(status=304, headers=tag)
    return Reply(boards.board(wanted, shown), headers=tag)


def _shape(wanted: boards.Wish) -> str:
    """What a page depends on besides the board's version: who asks for which part of it."""
    return hashlib.blake2b(repr(wanted).encode(), digest_size=6).hexdigest()


def _known(shape: str) -> str:
    """The version of the board that the client says it has of this very page."""
    for tag in request.if_none_match:
        version, _dash, of_shape = tag.rpartition("-")
        if of_shape == shape:
            return version
    return ""


@routes.endpoint(
    "GET /leaderboards/{key}/explain", who=EMPLOYEE, query=schemas.ExplainQuery,
    reply=schemas.ExplanationOut,
    summary="The ledger lines behind a person's points, or what a branch's value is made of",
)  # fmt: skip
def explain_board(key: str, query: dict[str, Any]) -> dict[str, Any]:
    return views.explanation(key, language(), **query)


@routes.endpoint(
    "GET /me/points", who=EMPLOYEE, query=schemas.LedgerQuery, reply=schemas.MyPointsOut,
    summary="My ledger, newest first, and what I can still earn today",
)  # fmt: skip
def get_my_points(query: dict[str, Any]) -> dict[str, Any]:
    return views.my_points(query)


@routes.endpoint(
    "GET /point-rules", who=EMPLOYEE, query=PageQuery, reply=page_of(schemas.RuleOut),
    summary="All versions of the point rules",
)  # fmt: skip
def list_rules(query: dict[str, Any]) -> dict[str, Any]:
    return views.rules(**query)


@routes.endpoint(
    "POST /point-rules", who=RULERS, over=auth.everywhere, query=schemas.DryRun,
    body=schemas.RuleIn, reply=schemas.RuleOut, status=201, idempotent=True,
    problems=(service.UnsoundRule, Conflict),
    summary="A new version of a point rule, dated; dry_run only checks it",
)  # fmt: skip
def add_rule(query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    return views.rule(service.add_version(body, **query))
