"""What comes in with a request: JSON, a file, If-Match; bounded and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
import orjson
from flask import request

from api.core import schemas
from api.core.errors import BadRequest, IfMatchMissing, Stale, TooLarge, UnsupportedMedia, invalid
from api.core.i18n import _

MAX_LEVELS = 32


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in: its name for people, its bytes."""

    name: str
    content: bytes


def check_size(max_body: int, max_upload: int) -> None:
    """Refuse a body over its limit before anything reads it."""
    limit = max_upload if request.mimetype == "multipart/form-data" else max_body
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        raise TooLarge(_("At most {bytes} bytes are accepted here.", bytes=limit))


def checked_json(schema: ma.Schema | None, parse: Callable[[Any], Any] | None) -> Any:
    """The JSON body, checked by hand where there is a `parse`, else by the schema.

    Raises UnsupportedMedia, TooLarge, BadRequest, Invalid.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMedia
    data = _json()
    if parse:
        return parse(data)
    if not isinstance(data, dict):
        raise invalid("body", _("Send a JSON object."))
    assert schema is not None
    return schemas.load(schema, data)


def _json() -> Any:
    """The body as JSON; raises TooLarge, BadRequest."""
    content = request.get_data(cache=True)
    if request.content_length is None and len(content) >= (request.max_content_length or 0):
        # Werkzeug cuts a body of unknown length off at the limit without a word.
        raise TooLarge(_("At most {bytes} bytes are accepted here.", bytes=len(content)))
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(_("The body is not valid JSON: {why}.", why=str(error)[:200])) from error
    if content.count(b"[") + content.count(b"{") > MAX_LEVELS and schemas.deeper(data, MAX_LEVELS):
        wrong = _("The body is nested more than {levels} levels deep.", levels=MAX_LEVELS)
        raise BadRequest(wrong)
    return data


def uploaded() -> Upload:
    """The file of a multipart body; raises UnsupportedMedia, Invalid."""
    if request.mimetype != "multipart/form-data":
        wanted = _("Send this as {expected}.", expected="multipart/form-data with a part `file`")
        raise UnsupportedMedia(wanted)
    given = request.files.get("file")
    if given is None:
        raise invalid("file", _("Send the file as the part named `file`."))
    return Upload((given.filename or "file")[:200], given.read())


def if_match() -> int:
    """The version of If-Match; raises IfMatchMissing, and Stale for what is no version."""
    header = request.headers.get("If-Match")
    if header is None:
        raise IfMatchMissing
    digits = header.strip().removeprefix("W/").strip('"').removeprefix("v")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Stale
    return int(digits)
