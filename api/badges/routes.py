"""Badges: which there are, and mine."""

from typing import Any

from api.badges import queries
from api.badges.schemas import BadgeAwardOut, BadgeOut
from api.core import auth
from api.core.handlers import language
from api.core.http import EMPLOYEE, Routes
from api.core.schemas import PageQuery, page_of

routes = Routes("badges")


@routes.endpoint(
    "GET /badges", who=EMPLOYEE, query=PageQuery, reply=page_of(BadgeOut),
    summary="All badges and their rules",
)  # fmt: skip
def list_badges(query: dict[str, Any]) -> dict[str, Any]:
    return queries.listed(language(), **query)


@routes.endpoint(
    "GET /me/badges", who=EMPLOYEE, query=PageQuery, reply=page_of(BadgeAwardOut),
    summary="My badges, newest first",
)  # fmt: skip
def list_my_badges(query: dict[str, Any]) -> dict[str, Any]:
    return queries.of_member(auth.principal().member_id, language(), **query)
