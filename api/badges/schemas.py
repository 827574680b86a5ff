"""Badges as they go out."""

from marshmallow import fields

from api.core.schemas import Identifier, Schema, Time


class BadgeOut(Schema):
    id = Identifier(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    rule = fields.Dict(required=True)


class BadgeAwardOut(Schema):
    """`period`: "" where the badge is given once, else the month or the contest's id."""

    id = Identifier(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    period = fields.String(required=True)
    awarded_at = Time(required=True)
