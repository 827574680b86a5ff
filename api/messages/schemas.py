"""Messages as they come in and go out."""

import marshmallow as ma
from marshmallow import fields, validate

from api.core.i18n import _
from api.core.schemas import Identifier, PageQuery, QueryBoolean, Schema, Time


class InboxQuery(PageQuery):
    unread = QueryBoolean(load_default=False)


class MessageOut(Schema):
    id = Identifier(required=True)
    kind = fields.String(required=True)
    text = fields.String(required=True)
    link = fields.String(required=True, allow_none=True)
    created_at = Time(required=True)
    read_at = Time(required=True, allow_none=True)


class ReadIn(Schema):
    """Which messages were read: these, or this one and all before it; all if neither is given."""

    ids = fields.List(Identifier(), validate=validate.Length(1, 200), load_default=None)
    up_to = Identifier(load_default=None)

    @ma.validates_schema
    def _not_both(self, data: dict[str, object], **_more: object) -> None:
        if data["ids"] is not None and data["up_to"] is not None:
            wrong = _("Give `ids` or `up_to`, not both.")
            raise ma.ValidationError(wrong, "up_to")  # type: ignore[arg-type]


class ReadOut(Schema):
    read = fields.Integer(required=True)
