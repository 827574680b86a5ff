"""What happens around every request: ids, limits, problems, headers, metrics."""

import gzip
import time
from typing import Any

import orjson
from flask import Flask, Response, g, request
from flask.json.provider import JSONProvider
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from api.core import auth, bodies, http, i18n, logs, metrics
from api.core.errors import (
    BadRequest,
    Conflict,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unavailable,
    Unexpected,
    UnsupportedMedia,
)
from api.core.i18n import _
from api.core.settings import Settings

COMPRESS_FROM_BYTES = 1024


class OrjsonProvider(JSONProvider):
    """Flask's JSON through orjson."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return orjson.dumps(obj, option=http.JSON_OPTIONS).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return orjson.loads(s)


_OF_WERKZEUG: dict[int, type[Problem]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMedia,
}


def configure(app: Flask, settings: Settings) -> None:
    """Install the request cycle on `app`."""
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    if settings.trusted_proxies:
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        logs.begin(request.headers.get("X-Request-ID"), request.remote_addr or "")
        bodies.check_size(settings.max_body_bytes, settings.max_upload_bytes)

    @app.after_request
    def finish(response: Response) -> Response:
        return _finished(response)

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        auth.sign_out_of_context()

    app.register_error_handler(Problem, refuse)
    app.register_error_handler(HTTPException, _refuse_werkzeug)
    app.register_error_handler(OperationalError, _refuse_database)
    app.register_error_handler(IntegrityError, _refuse_collision)
    app.register_error_handler(Exception, _refuse_unexpected)


def _finished(response: Response) -> Response:
    response = _compressed(response)
    response.headers["X-Request-ID"] = logs.request_id()
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    metrics.observe(request, response.status_code, time.perf_counter() - g.began)
    return response


def _compressed(response: Response) -> Response:
    """gzip a reply that is worth it, for clients that accept it."""
    if (
        response.status_code == 200
        and not response.direct_passthrough
        and response.content_length is not None
        and response.content_length >= COMPRESS_FROM_BYTES
        and response.mimetype in ("application/json", "application/problem+json", "text/html")
        and "gzip" in request.headers.get("Accept-Encoding", "")
        and "Content-Encoding" not in response.headers
    ):
        response.set_data(gzip.compress(response.get_data(), compresslevel=1, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
    return response


def language() -> str:
    """The reader's language."""
    return i18n.negotiate(request.headers.get("Accept-Language"))


def refuse(problem: Problem) -> Response:
    """The problem document of a refusal."""
    spoken = language()
    body = orjson.dumps(problem.as_json(spoken, logs.request_id()), option=http.JSON_OPTIONS)
    response = Response(body, problem.status, mimetype="application/problem+json")
    response.headers["Content-Language"] = spoken
    response.headers.extend(problem.headers)
    return response


def _refuse_werkzeug(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:
        return Response(error.get_response().get_data(), error.code, error.get_headers())
    problem = _OF_WERKZEUG.get(error.code or 500, BadRequest)()
    response = refuse(problem)
    if error.code == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or [])
    return response


def _refuse_database(error: OperationalError) -> Response:
    logs.logger("http").error("database", error=type(error.orig).__name__, path=request.path)
    return refuse(Unavailable())


def _refuse_collision(error: IntegrityError) -> Response:
    """Two requests did the same at once and the database let one through.

    Any other constraint that is hurt is a fault of ours.
    """
    if not _is_duplicate(error.orig):
        return _refuse_unexpected(error)
    logs.logger("http").warning("collision", error=type(error.orig).__name__, path=request.path)
    return refuse(Conflict(_("Somebody did the same at this moment. Look again, then repeat it.")))


def _is_duplicate(error: BaseException | None) -> bool:
    """Whether a unique key refused a row, as SQLite and PostgreSQL name it."""
    name = str(getattr(error, "sqlite_errorname", ""))
    unique = name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
    return unique or getattr(error, "sqlstate", None) == "23505"


def _refuse_unexpected(error: Exception) -> Response:
    logs.logger("http").exception("unexpected", path=request.path, error=type(error).__name__)
    return refuse(Unexpected())
