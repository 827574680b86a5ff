"""Pages for people outside /api/v1: /docs (works without internet) and /problems/{code}."""

from html import escape

from flask import Flask, Response, abort, redirect, send_from_directory
from openapi_ui_bundles import swagger_ui
from werkzeug.wrappers import Response as AnyResponse

from api.core import handlers
from api.core.errors import Problem

_DOCS = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>Leitai API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
_START = """SwaggerUIBundle({
  url: "/api/v1/openapi.json", dom_id: "#ui", deepLinking: true, filter: true,
  persistAuthorization: true, docExpansion: "none", validatorUrl: null
});
"""
_PROBLEM = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{code}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>{code}</h1><p>HTTP {status}</p><p>{title}</p></body></html>
"""


def register(app: Flask) -> None:
    """Add the pages to `app`."""

    @app.get("/")
    def root() -> AnyResponse:
        return redirect("/docs")

    @app.get("/docs")
    def docs() -> Response:
        return Response(_DOCS, mimetype="text/html")

    @app.get("/docs/start.js")
    def docs_start() -> Response:
        return Response(_START, mimetype="text/javascript")

    @app.get("/docs/assets/<name>")
    def docs_asset(name: str) -> Response:
        return send_from_directory(swagger_ui.static_path, name, max_age=86400)

    @app.get("/problems/<code>")
    def problem_page(code: str) -> Response:
        kind = Problem.known.get(code)
        if kind is None:
            abort(404)
        language = handlers.language()
        title = escape(kind.title.in_language(language))
        page = _PROBLEM.format(language=language, code=code, status=kind.status, title=title)
        return Response(page, mimetype="text/html")
