"""JSON logs with the request or job they belong to, and what a request is known by."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from api.core.db import new_id

_DETAIL = re.compile(r"\n(DETAIL|CONTEXT):.*?(?=\n\[SQL|\n\nThe above|\n\nDuring|\Z)", re.DOTALL)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_address: ContextVar[str] = ContextVar("address", default="")


def configure(level: str) -> None:
    """Write one JSON object a line to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_details,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_details(
    _logger: Any, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop what PostgreSQL quotes of the row it refused: "DETAIL:  Failing row contains ..."."""
    if "exception" in entry:
        entry["exception"] = _DETAIL.sub("", str(entry["exception"]))
    return entry


def logger(name: str) -> Any:
    """A structured logger."""
    return structlog.get_logger().bind(logger=name)


def begin(given_request_id: str | None, address: str) -> str:
    """Start a request: take the client's request id if it is a decent one, else make one."""
    known = given_request_id or ""
    request_id = known if _REQUEST_ID.fullmatch(known) else new_id()
    _request_id.set(request_id)
    _address.set(address[:45])
    return request_id


def request_id() -> str:
    """The id of the request or job step in force; empty outside."""
    return _request_id.get()


def address() -> str:
    """The client's address; empty outside a request."""
    return _address.get()
