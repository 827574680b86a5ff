"""Question banks and questions as they come in and go out.

These are the organiser's views, keys included; a taker sees `SlotOut`.
"""

from marshmallow import fields, validate

from api.contests.models import DIFFICULTIES, QUESTION_KINDS
from api.core.schemas import (
    Enum,
    Identifier,
    PageQuery,
    QueryBoolean,
    Schema,
    String,
)


class BankIn(Schema):
    name = String(low=1, high=100, required=True)
    unit_id = Identifier(required=True)
    body_id = Identifier(load_default=None, allow_none=True)


class BankPatch(Schema):
    name = String(low=1, high=100)


class BankOut(Schema):
    id = Identifier(required=True)
    name = fields.String(required=True)
    unit_id = Identifier(required=True)
    body_id = Identifier(required=True, allow_none=True)
    questions = fields.Integer(required=True)
    version = fields.Integer(required=True)


class QuestionIn(Schema):
    """`answer`: letters of the right options ("B"), or true/false in one word, or for each blank a
    text whose alternatives are separated by ";"."""

    kind = Enum(*QUESTION_KINDS, required=True)
    stem = String(low=1, high=2000, lines=True, required=True)
    options = fields.List(
        String(low=1, high=500), load_default=list, validate=validate.Length(0, 26)
    )
    answer = fields.List(String(low=1, high=500), required=True, validate=validate.Length(1, 26))
    explanation = String(high=2000, lines=True, load_default="")
    topic = String(high=100, load_default="")
    difficulty = Enum(*DIFFICULTIES, load_default="medium")


class QuestionQuery(PageQuery):
    topic = fields.String(validate=validate.Length(max=100), load_default=None)


class ImportQuery(Schema):
    dry_run = QueryBoolean(load_default=False)
    skip_errors = QueryBoolean(load_default=False)


class QuestionOut(Schema):
    id = Identifier(required=True)
    bank_id = Identifier(required=True)
    kind = fields.String(required=True)
    stem = fields.String(required=True)
    options = fields.List(fields.String(), required=True)
    answer = fields.List(fields.String(), required=True)
    explanation = fields.String(required=True)
    topic = fields.String(required=True)
    difficulty = fields.String(required=True)
    retired = fields.Boolean(required=True)
    version = fields.Integer(required=True)
