"""The app's first screen."""

from marshmallow import fields

from api.core.schemas import Identifier, Schema, Time


class OpenContestOut(Schema):
    id = Identifier(required=True)
    title = fields.String(required=True)
    closes_at = Time(required=True)
    questions = fields.Integer(required=True)
    limit_s = fields.Integer(required=True)
    tries_left = fields.Integer(required=True)
    running = fields.Boolean(required=True)


class HomeOut(Schema):
    """`points`: this month's points and rank, and what can still be earned today by rule."""

    contests = fields.List(fields.Nested(OpenContestOut), required=True)
    points = fields.Dict(required=True)
    unread = fields.Integer(required=True)
    badges = fields.List(fields.Dict(), required=True)
    votes = fields.List(fields.Dict(), required=True)


class ExportOut(Schema):
    """`data`: all rows about the person, by table; `withheld`: which columns are missing, why."""

    made_at = Time(required=True)
    member_id = Identifier(required=True)
    withheld = fields.Dict(required=True)
    data = fields.Dict(required=True)
