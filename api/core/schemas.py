"""Marshmallow building blocks: strict types, bounded sizes, unknown fields refused."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.core import db
from api.core.errors import FieldError, Invalid
from api.core.i18n import Text, _

MAX_INTEGER = 2**53 - 1
_LINE_BREAKS = "\n\t\r"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


class Schema(ma.Schema):
    """Refuses unknown fields; keeps the declared order in documents."""

    class Meta:
        unknown = ma.RAISE


class Integer(fields.Integer):
    """A whole number; 710.0 is one (as in JSON Schema), true and "1" are not."""

    def __init__(self, *, low: int = -MAX_INTEGER, high: int = MAX_INTEGER, **kwargs: Any) -> None:
        checks = [validate.Range(low, high), *_listed(kwargs.pop("validate", []))]
        super().__init__(strict=True, validate=checks, **kwargs)

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid", input=value)
        if isinstance(value, float) and not value.is_integer():
            raise self.make_error("invalid", input=value)
        return int(value)


class QueryInteger(Integer):
    """A whole number in a query string, where everything is text."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.lstrip("-").isdigit():
            return super()._validated(int(value[:20]))
        raise self.make_error("invalid", input=value)


class Number(fields.Float):
    """A finite JSON number; true and "1" are not."""

    def _validated(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid", input=value)
        return float(super()._validated(value))


class Boolean(fields.Boolean):
    """true or false; 1 and "yes" are not."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryBoolean(fields.Boolean):
    """true or false as a query string writes them."""

    truthy = {"true", "1"}  # noqa: RUF012 - marshmallow's own declaration
    falsy = {"false", "0"}  # noqa: RUF012


class String(fields.String):
    """Text of `low` to `high` characters without control characters.

    Line breaks are allowed where `lines` says so.  White space at the ends is removed.
    """

    def __init__(self, *, high: int, low: int = 0, lines: bool = False, **kwargs: Any) -> None:
        checks = [validate.Length(low, high), *_listed(kwargs.pop("validate", []))]
        super().__init__(validate=checks, **kwargs)
        self.high = high
        self.allowed = _LINE_BREAKS if lines else ""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > 4 * self.high + 100:
            raise ma.ValidationError(_("At most {high} characters.", high=self.high))  # type: ignore[arg-type]
        if has_control_characters(text, self.allowed):
            raise ma.ValidationError(_("Control characters are not allowed."))  # type: ignore[arg-type]
        return text.strip()


class Identifier(fields.String):
    """The id of a resource: a UUID."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "uuid", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        known = db.as_id(text)
        if known is None:
            raise ma.ValidationError(_("This is not an id."))  # type: ignore[arg-type]
        return known


class Enum(fields.String):
    """One of a closed set of lower-case words."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(words), **kwargs)


class Time(fields.AwareDateTime):
    """An RFC 3339 instant with its offset; kept in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=None, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) < 20:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error


class PageQuery(Schema):
    """The query of every list."""

    limit = QueryInteger(low=1, high=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=500), load_default=None)


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of `item`."""
    name = item.__name__.removesuffix("Out") + "Page"
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=name,
    )


def has_control_characters(text: str, allowed: str = "") -> bool:
    """Whether `text` holds NUL, another control character, or a lone surrogate."""
    if text.isprintable():
        return False
    return any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in text)


def deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(deeper(part, levels - 1) for part in value)


def load(schema: ma.Schema, data: Any, place: str = "") -> dict[str, Any]:
    """`data` checked by `schema`; raises Invalid with the path of each wrong field."""
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ma.ValidationError as error:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        raise Invalid(errors=_flat(messages, place)) from error
    return loaded


def _flat(messages: Mapping[Any, Any], prefix: str) -> list[FieldError]:
    found: list[FieldError] = []
    for name, value in messages.items():
        path = prefix if name == "_schema" else f"{prefix}.{name}".lstrip(".")
        path = str(path)[:200]
        if isinstance(value, Mapping):
            found.extend(_flat(value, path))
        else:
            found.extend(FieldError(path or "body", _marked(text)) for text in _listed(value))
    return found[:100]


def _marked(message: Any) -> Text:
    if isinstance(message, Text):
        return message
    known = _KNOWN.get(str(message).split(" ", maxsplit=1)[0])
    return known or _("{message}", message=str(message))


_KNOWN = {
    "Unknown": _("This field is unknown here. Leave it out."),
    "Missing": _("This field is required."),
}
