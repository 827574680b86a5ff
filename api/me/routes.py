"""Mine, across all domains."""

from flask import Response, request

from api.core import auth, limits
from api.core.handlers import language
from api.core.http import EMPLOYEE, Reply, Routes
from api.me.queries import export, home
from api.me.schemas import ExportOut, HomeOut

routes = Routes("me")


@routes.endpoint(
    "GET /me/home", who=EMPLOYEE, reply=HomeOut,
    summary="The first screen: contests, points, messages, badges; 304 when nothing changed",
)  # fmt: skip
def get_home() -> Response | Reply:
    screen, spoken = home.home_of(auth.principal().member_id), language()
    tag = screen.tag(spoken)
    if request.if_none_match.contains(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    return Reply(home.shown(screen, spoken), headers={"ETag": f'"{tag}"'})


@routes.endpoint(
    "GET /me/export", who=EMPLOYEE, reply=ExportOut, rate=limits.IMPORT, reveals=True,
    summary="All data about me, as one file",
)  # fmt: skip
def export_my_data() -> Reply:
    content = export.document(auth.principal().member_id)
    return Reply(content, headers={"Content-Disposition": 'attachment; filename="my-data.json"'})
