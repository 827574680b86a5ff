"""`endpoint()`: the whole contract of a route in one declaration.

Who may call it, over which object's subtree, query, body, reply, problems, rate class,
idempotency, ETag, transaction.  The role table, the OpenAPI document and the tests are
generated from these declarations; there is no other way to add a route under /api/v1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import marshmallow as ma
import orjson
from flask import Blueprint, Flask, Response, request

from api.core import audit, auth, bodies, db, idempotency, limits, schemas
from api.core.auth import Scope
from api.core.errors import (
    Forbidden,
    NotFound,
    Problem,
    invalid,
)
from api.core.i18n import _

PREFIX = "/api/v1"
ANYONE: tuple[str, ...] = ()
EMPLOYEE: tuple[str, ...] = ("employee",)
KEPT_QUERY = 120
JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS

Handler = Callable[..., Any]
Over = Callable[..., Scope]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is not the plain body with the declared status."""

    body: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route promises.  `who` is () for anyone, else the roles that may call it.

    A GET that `reveals` shows somebody else's personal data and leaves an audit line.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    who: tuple[str, ...]
    handler: Handler
    over: Over | None = None
    hidden: bool = False
    query: ma.Schema | None = None
    body: ma.Schema | None = None
    parse: Callable[[Any], Any] | None = None
    upload: bool = False
    reply: ma.Schema | None = None
    media: str = "application/json"
    status: int = 200
    problems: tuple[type[Problem], ...] = ()
    rate: limits.Rate = limits.READ
    idempotent: bool = False
    etag: bool = False
    durable: bool = False
    own_transactions: bool = False
    audited: bool = True
    reveals: bool = False

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")


class Routes:
    """The operations of one domain, registered as one blueprint."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def endpoint(
        self,
        line: str,
        *,
        who: Sequence[str],
        summary: str,
        query: type[ma.Schema] | None = None,
        body: type[ma.Schema] | None = None,
        reply: type[ma.Schema] | None = None,
        rate: limits.Rate | None = None,
        problems: Sequence[type[Problem]] = (),
        **contract: Any,
    ) -> Callable[[Handler], Handler]:
        """Declare a route: `line` is "POST /contests/{contest_id}/attempts".

        The handler gets the path's ids by name, `body`, `query`, `upload`, and `if_match`
        where declared, and returns the reply's plain data.
        """
        method, _sep, path = line.partition(" ")

        def declare(handler: Handler) -> Handler:
            operation = Operation(
                method=method,
                path=path,
                name=handler.__name__,
                tag=self.tag,
                summary=summary,
                description=(handler.__doc__ or "").strip(),
                who=tuple(who),
                handler=handler,
                query=query() if query else None,
                body=body() if body else None,
                reply=reply() if reply else None,
                rate=rate or (limits.READ if method == "GET" else limits.WRITE),
                problems=tuple(problems),
                **contract,
            )
            self.operations.append(operation)
            return handler

        return declare

    def register(self, app: Flask) -> None:
        """Add the operations to `app`."""
        blueprint = Blueprint(self.tag, __name__, url_prefix=PREFIX)
        for operation in self.operations:
            blueprint.add_url_rule(
                operation.rule,
                endpoint=operation.name,
                view_func=_view(operation),
                methods=[operation.method],
            )
        app.register_blueprint(blueprint)
        app.extensions.setdefault("leitai.operations", []).extend(self.operations)


def _view(operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        _admit(operation)
        arguments = {name: _path_id(name, value) for name, value in path.items()}
        wrong = _read_input(operation, arguments)
        if operation.own_transactions:
            if wrong:
                raise wrong
            return _respond(operation, operation.handler(**arguments))
        if operation.writes:
            with db.transaction(durable=operation.durable):
                return _respond(operation, _write(operation, arguments, wrong))
        with db.reading():
            _authorise(operation, arguments, wrong)
            response = _respond(operation, operation.handler(**arguments))
        if operation.reveals:
            _record_reading(operation, arguments)
        return response

    return view


def _record_reading(operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Somebody else's personal data was read: say by whom, and what it was narrowed to."""
    query: Mapping[str, Any] = arguments.get("query") or {}
    narrowed = {name: value for name, value in query.items() if value and name.endswith("_id")}
    with db.transaction():
        audit.record(operation.name, request.path.removeprefix(PREFIX), "read", **narrowed)


def _admit(operation: Operation) -> None:
    """Authenticate, limit the rate, check the role: all that needs no database."""
    if operation.who:
        principal = auth.authenticate(request.headers.get("Authorization"))
        limits.check(operation.rate, principal.member_id)
        if not principal.has(operation.who):
            raise Forbidden
    else:
        limits.check(operation.rate, request.remote_addr or "")


def _path_id(name: str, value: str) -> str:
    if not name.endswith("_id"):
        return value
    known = db.as_id(value)
    if known is None:
        raise NotFound
    return known


def _read_input(operation: Operation, arguments: dict[str, Any]) -> Problem | None:
    """Put query and body into `arguments`.

    What is wrong with them is returned, not raised: someone who may not touch the object is
    told that first, and nothing about the shape of the request.
    """
    try:
        if operation.query:
            arguments["query"] = _query(operation.query)
        elif request.args:
            raise invalid(next(iter(request.args))[:80], _("This address takes no query."))
        if operation.body or operation.parse:
            arguments["body"] = bodies.checked_json(operation.body, operation.parse)
        elif operation.upload:
            arguments["upload"] = bodies.uploaded()
        if operation.etag and operation.writes and operation.method != "POST":
            arguments["if_match"] = bodies.if_match()
    except Problem as problem:
        return problem
    return None


def _query(schema: ma.Schema) -> dict[str, Any]:
    """The checked query.  Polling asks the same short questions over and over."""
    asked = request.query_string
    return dict(_asked(schema, asked)) if len(asked) <= KEPT_QUERY else _loaded(schema)


@lru_cache(maxsize=4096)
def _asked(schema: ma.Schema, _text: bytes) -> dict[str, Any]:
    return _loaded(schema)


def _loaded(schema: ma.Schema) -> dict[str, Any]:
    return schemas.load(schema, request.args.to_dict())


def _authorise(operation: Operation, arguments: dict[str, Any], wrong: Problem | None) -> None:
    """Check the object's subtree, then raise what was wrong with the input."""
    if operation.over:
        needs_body = operation.over.__code__.co_varnames[: operation.over.__code__.co_argcount]
        if wrong and ("body" in needs_body or "query" in needs_body):
            raise wrong
        scope = operation.over(*(arguments[name] for name in needs_body))
        auth.require(operation.who, scope, hidden=operation.hidden)
    if wrong:
        raise wrong


def _write(operation: Operation, arguments: dict[str, Any], wrong: Problem | None) -> Any:
    _authorise(operation, arguments, wrong)
    key = _idempotency_key(operation)
    if key:
        account = auth.principal().member_id
        content = request.get_data(cache=True) if not operation.upload else _upload_bytes(arguments)
        stored = idempotency.claim(account, key, f"{request.method} {request.path}", content)
        if stored:
            return _replayed(*stored)
    result = operation.handler(**arguments)
    if operation.audited:
        audit.record(operation.name, request.path.removeprefix(PREFIX))
    if key:
        body, status, _headers = _parts(operation, result)
        idempotency.store(account, key, status, orjson.dumps(body, option=JSON_OPTIONS))
    return result


def _upload_bytes(arguments: Mapping[str, Any]) -> bytes:
    upload: bodies.Upload = arguments["upload"]
    return upload.name.encode() + b"\0" + upload.content


def _idempotency_key(operation: Operation) -> str | None:
    if not operation.idempotent or not operation.who:
        return None
    return idempotency.checked_key(request.headers.get("Idempotency-Key"))


def _replayed(status: int, body: bytes) -> Response:
    response = Response(body, status, mimetype="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _parts(operation: Operation, result: Any) -> tuple[Any, int, Mapping[str, str]]:
    if isinstance(result, Reply):
        return result.body, result.status or operation.status, result.headers
    return result, operation.status, {}


def _respond(operation: Operation, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    body, status, headers = _parts(operation, result)
    if body is None:
        return Response(status=204 if status == 200 else status, headers=dict(headers))
    content = body if isinstance(body, bytes) else orjson.dumps(body, option=JSON_OPTIONS)
    response = Response(content, status, mimetype=operation.media)
    response.headers.extend(headers)
    if operation.etag and isinstance(body, dict) and "version" in body:
        response.set_etag(f"v{body['version']}")
        if not operation.writes and request.if_none_match.contains(f"v{body['version']}"):
            return Response(status=304, headers={"ETag": f'"v{body["version"]}"'})
    return response
