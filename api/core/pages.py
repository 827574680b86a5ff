"""Lists in pages: keyset cursors, stable while rows are added.

A cursor is the sort key of the last item of a page, so that the next page starts after it
whatever was inserted meanwhile.  It is opaque to clients and checked like any other input.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from api.core import db
from api.core.db import Id, Instant
from api.core.errors import invalid
from api.core.i18n import _

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Keyset:
    """A list in pages whose statements are put together once: for requests that come often.

    `order` columns must be selected by `statement` (or be attributes of its entity), together
    unique, and none of them null.  `entities` false: the statement selects columns alone, and
    needs no ORM session.
    """

    def __init__(
        self,
        statement: db.Rows,
        order: Sequence[sa.ColumnElement[Any]],
        *,
        descending: bool = False,
        entities: bool = True,
    ) -> None:
        self._order = order
        self._entities = entities
        directed = [column.desc() if descending else column.asc() for column in order]
        most = sa.bindparam("page_limit", type_=sa.Integer())
        self._first = statement.order_by(*directed).limit(most)
        after = _after(order, descending)
        self._next = statement.where(after).order_by(*directed).limit(most)

    def page(
        self,
        values: Mapping[str, Any],
        *,
        limit: int,
        cursor: str | None,
        show: Callable[[Any], Any],
    ) -> dict[str, Any]:
        """One page: {"items": [show(row), ...], "next_cursor": str | None}.

        `values` are those of the statement's own parameters.  Raises Invalid for a cursor that
        isn't ours.
        """
        keys = decode_cursor(cursor, self._order) if cursor else []
        bound = {**values, "page_limit": limit + 1, **_named(keys)}
        execute = db.session().execute if self._entities else db.connection().execute
        rows = execute(self._next if cursor else self._first, bound).all()
        more = len(rows) > limit
        rows = rows[:limit]
        last = [_value(rows[-1], column) for column in self._order] if more else None
        return {
            "items": [show(row[0] if len(row) == 1 else row) for row in rows],
            "next_cursor": encode_cursor(last) if last else None,
        }


def page(
    statement: db.Rows,
    order: Sequence[sa.ColumnElement[Any]],
    *,
    limit: int,
    cursor: str | None,
    show: Callable[[Any], Any],
    descending: bool = False,
    entities: bool = True,
) -> dict[str, Any]:
    """One page of a statement made for this request; see Keyset."""
    listed = Keyset(statement, order, descending=descending, entities=entities)
    return listed.page({}, limit=limit, cursor=cursor, show=show)


def encode_cursor(values: Sequence[Any]) -> str:
    """An opaque cursor of key values."""
    plain = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def decode_cursor(cursor: str, order: Sequence[sa.ColumnElement[Any]]) -> list[Any]:
    """The key values of a cursor; raises Invalid if it doesn't fit `order`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(order):
            raise ValueError("not a list of keys")
        return [_typed(value, column) for value, column in zip(values, order, strict=True)]
    except (ValueError, TypeError, binascii.Error) as error:
        wrong = _("This cursor isn't one of ours. Start again without a cursor.")
        raise invalid("cursor", wrong, "bad_cursor") from error


def _typed(value: Any, column: sa.ColumnElement[Any]) -> Any:
    kind = column.type
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Id):
        if (known := db.as_id(value)) is None:
            raise ValueError("not an id")
        return known
    if isinstance(value, bool) or not isinstance(value, kind.python_type):
        raise ValueError("wrong type")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("too large")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("not a text")
    return value


def _named(keys: Sequence[Any]) -> dict[str, Any]:
    return {f"page_after_{place}": key for place, key in enumerate(keys)}


def _after(order: Sequence[sa.ColumnElement[Any]], descending: bool) -> sa.ColumnElement[bool]:
    left = sa.tuple_(*order)
    names = list(_named(order))
    right = sa.tuple_(
        *(sa.bindparam(name, type_=c.type) for name, c in zip(names, order, strict=True))
    )
    return left < right if descending else left > right


def _value(row: Any, column: sa.ColumnElement[Any]) -> Any:
    if len(row) == 1 and hasattr(row[0], "__table__"):
        return getattr(row[0], column.key or "")
    return row._mapping[column]
