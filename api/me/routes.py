"""Mine, across all domains."""

from flask import Response, request

from api.core import auth
from api.core.handlers import language
from api.core.http import EMPLOYEE, Reply, Routes
from api.me import queries
from api.me.schemas import HomeOut

routes = Routes("me")


@routes.endpoint(
    "GET /me/home", who=EMPLOYEE, reply=HomeOut,
    summary="The first screen: contests, points, messages, badges; 304 when nothing changed",
)  # fmt: skip
def get_home() -> Response | Reply:
    home, spoken = queries.home_of(auth.principal().member_id), language()
    tag = home.tag(spoken)
    if request.if_none_match.contains(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    return Reply(queries.shown(home, spoken), headers={"ETag": f'"{tag}"'})
