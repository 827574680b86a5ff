"""Messages as they come in and go out."""

from marshmallow import fields, validate

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
    """Which messages were read; all of them if `ids` is left out."""

    ids = fields.List(Identifier(), validate=validate.Length(1, 200), load_default=None)


class ReadOut(Schema):
    read = fields.Integer(required=True)
