"""The OpenAPI 3.1 document, generated from the declared operations."""

from collections.abc import Iterable
from typing import Any

import marshmallow as ma
import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from api.core import schemas
from api.core.errors import (
    BadRequest,
    Forbidden,
    IfMatchMissing,
    Invalid,
    NotFound,
    Problem,
    Stale,
    TooLarge,
    TooMany,
    Unauthorized,
    UnsupportedMedia,
)
from api.core.http import PREFIX, Operation

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The whole document as plain data, in a stable order."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="Leitai",
        version=version,
        openapi_version="3.1.0",
        info={"description": _ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": "/"}],
        plugins=[plugin],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_bounds)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", PROBLEM_SCHEMA)
    for operation in sorted(operations, key=lambda o: (o.path, o.method)):
        spec.path(path=PREFIX + operation.path, operations=_described(operation))
    return spec.to_dict()


def declared(app: Flask) -> list[Operation]:
    """All operations that `app` declares."""
    found: list[Operation] = app.extensions["leitai.operations"]
    return found


def rendered(app: Flask) -> bytes:
    """The document of `app` as JSON."""
    whole = document(declared(app), app.extensions["leitai.version"])
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2)


_ABOUT = (
    "Contests, points, leaderboards and badges of an organisation. "
    "Refusals are RFC 9457 problem documents; lists page by cursor; times are RFC 3339 in UTC."
)


def _schema_name(schema: Any) -> str:
    name = schema.__name__ if isinstance(schema, type) else type(schema).__name__
    return name.removesuffix("Schema")


def _bounds(_converter: Any, field: ma.fields.Field[Any], **_kwargs: Any) -> dict[str, Any]:
    """What apispec can't see of our own fields."""
    if isinstance(field, schemas.Integer):
        return {"type": ["integer", "null"] if field.allow_none else "integer"}
    return {}


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "security": [{"bearer": []}] if operation.who else [],
        "x-roles": list(operation.who),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.upload:
        described["requestBody"] = _upload_body()
    elif operation.body:
        content: dict[str, Any] = {"application/json": {"schema": operation.body}}
        described["requestBody"] = {"required": True, "content": content}
    return {operation.method.lower(): described}


def _upload_body() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _parameters(operation: Operation) -> list[Any]:
    found: list[Any] = [
        {"in": "path", "name": name, "required": True, "schema": _path_schema(name)}
        for name in _path_names(operation.path)
    ]
    if operation.query:
        found.append({"in": "query", "schema": operation.query})
    if operation.idempotent:
        found.append(_header("Idempotency-Key", {"type": "string", "maxLength": 128}))
    if operation.etag:
        name = "If-Match" if operation.writes else "If-None-Match"
        found.append(_header(name, {"type": "string"}))
    return found


def _path_names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _path_schema(name: str) -> dict[str, str]:
    return {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}


def _header(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": False, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    status = operation.status
    responses: dict[str, Any] = {}
    content: dict[str, Any]
    if operation.reply:
        content = {operation.media: {"schema": operation.reply}}
        responses[str(status)] = {"description": "Done.", "content": content}
    elif operation.media != "application/json":
        content = {operation.media: {"schema": {"type": "string"}}}
        responses[str(status)] = {"description": "Done.", "content": content}
    else:
        responses[str(204 if status == 200 else status)] = {"description": "Done."}
    if operation.etag and not operation.writes:
        responses["304"] = {"description": "Unchanged since the ETag."}
    for problem_status, codes in _problems(operation).items():
        responses[str(problem_status)] = _problem_response(codes)
    return responses


def _problem_response(codes: list[str]) -> dict[str, Any]:
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}]}
    return {
        "description": "Refused: " + ", ".join(sorted(codes)) + ".",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _problems(operation: Operation) -> dict[int, list[str]]:
    """Codes by status: what every route of this form may answer, and what it declares."""
    possible: set[type[Problem]] = {*operation.problems, TooMany, Invalid}
    if operation.who:
        possible |= {Unauthorized, Forbidden}
    if "{" in operation.path:
        possible.add(NotFound)
    if operation.body or operation.upload:
        possible |= {BadRequest, TooLarge, UnsupportedMedia}
    if operation.etag and operation.writes:
        possible |= {Stale, IfMatchMissing}
    found: dict[int, list[str]] = {}
    for problem in possible:
        found.setdefault(problem.status, []).append(problem.code)
    return dict(sorted(found.items()))
