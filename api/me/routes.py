"""Mine, across all domains."""

import hashlib

import orjson
from flask import Response, request

from api.core import auth
from api.core.handlers import language
from api.core.http import EMPLOYEE, JSON_OPTIONS, Routes
from api.me import queries
from api.me.schemas import HomeOut

routes = Routes("me")


@routes.endpoint(
    "GET /me/home", who=EMPLOYEE, reply=HomeOut,
    summary="The first screen: contests, points, messages, badges; 304 when nothing changed",
)  # fmt: skip
def get_home() -> Response:
    content = orjson.dumps(
        queries.home(auth.principal().member_id, language()), option=JSON_OPTIONS
    )
    response = Response(content, mimetype="application/json")
    response.set_etag(hashlib.sha256(content).hexdigest()[:24])
    response.make_conditional(request)
    return response
