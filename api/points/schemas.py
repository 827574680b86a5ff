"""Boards, ledgers and rules as they come in and go out."""

from marshmallow import fields, validate

from api.core.schemas import (
    Boolean,
    Enum,
    Identifier,
    Integer,
    PageQuery,
    QueryBoolean,
    QueryInteger,
    Schema,
    String,
    Time,
)
from api.points.rules import FACT_VALUES

PERIOD = validate.Regexp(r"^(\d{4}-(0[1-9]|1[0-2])|all)$")


class BoardQuery(Schema):
    """`period`: a month ("2026-11") or "all"; left out: the present month."""

    period = fields.String(validate=PERIOD, load_default=None)
    limit = QueryInteger(low=1, high=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=500), load_default=None)
    around = Enum("me", load_default=None)


class ExplainQuery(Schema):
    member = Identifier(load_default=None)
    period = fields.String(validate=PERIOD, load_default=None)


class LedgerQuery(PageQuery):
    period = fields.String(validate=PERIOD, load_default="all")


class BoardOut(Schema):
    """A board there is.  `value` says what ranks: points, or points per head."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    value = fields.String(required=True)
    periods = fields.List(fields.String(), required=True)


class BoardsOut(Schema):
    items = fields.List(fields.Nested(BoardOut), required=True)


class TieBreak(Schema):
    rule = fields.String(required=True)
    value = fields.String(required=True)


class BoardRowOut(Schema):
    """`rank` is null where it isn't known without Valkey; hidden people have no id and no name."""

    rank = fields.Integer(required=True, allow_none=True)
    subject_id = Identifier(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    hidden = fields.Boolean(required=True)
    points = fields.Float(required=True)
    reached_at = Time(required=True)
    tie_break = fields.Nested(TieBreak, required=True)


class OwnRowOut(Schema):
    rank = fields.Integer(required=True, allow_none=True)
    points = fields.Float(required=True)
    reached_at = Time(required=True)


class LeaderboardOut(Schema):
    """A page of a board.  `stale`: true while it comes from SQL because Valkey can't answer."""

    key = fields.String(required=True)
    period = fields.String(required=True)
    version = fields.String(required=True)
    source = fields.String(required=True)
    stale = fields.Boolean(required=True)
    size = fields.Integer(required=True)
    items = fields.List(fields.Nested(BoardRowOut), required=True)
    me = fields.Nested(OwnRowOut, required=True, allow_none=True)
    next_cursor = fields.String(required=True, allow_none=True)
    explain = fields.String(required=True)
    poll_after_s = fields.Integer(required=True)


class EntryOut(Schema):
    id = fields.Integer(required=True)
    rule = fields.String(required=True)
    version = fields.Integer(required=True)
    amount = fields.Integer(required=True)
    cap_left = fields.Integer(required=True, allow_none=True)
    item = fields.String(required=True)
    earned_at = Time(required=True)


class RuleSumOut(Schema):
    rule = fields.String(required=True)
    points = fields.Integer(required=True)
    entries = fields.Integer(required=True)


class ExplanationOut(Schema):
    """The ledger lines behind a total, and how ties are broken on this board."""

    key = fields.String(required=True)
    period = fields.String(required=True)
    points = fields.Integer(required=True)
    rules = fields.List(fields.Nested(RuleSumOut), required=True)
    entries = fields.List(fields.Nested(EntryOut), required=True)
    tie_rule = fields.String(required=True)


class LeftOut(Schema):
    rule = fields.String(required=True)
    version = fields.Integer(required=True)
    left_today = fields.Integer(required=True, allow_none=True)


class MyPointsOut(Schema):
    balance = fields.Integer(required=True)
    month = fields.Integer(required=True)
    still_to_earn = fields.List(fields.Nested(LeftOut), required=True)
    items = fields.List(fields.Nested(EntryOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RuleIn(Schema):
    """A new rule, or the next version of one there is."""

    code = String(
        low=1, high=40, required=True, validate=validate.Regexp(r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    )
    fact_kind = Enum(*FACT_VALUES, required=True)
    title = fields.Dict(
        keys=Enum("zh-CN", "en"), values=String(low=1, high=60), required=True,
        validate=validate.Length(1, 2),
    )  # fmt: skip
    formula = fields.Dict(keys=String(high=20), values=fields.Raw(), required=True)
    improvement = Boolean(load_default=False)
    caps = fields.Dict(keys=String(high=10), values=Integer(low=1, high=200_000), required=True)
    weekdays = fields.List(
        Integer(low=1, high=7), load_default=None, allow_none=True, validate=validate.Length(1, 7)
    )
    active = Boolean(load_default=True)
    effective_from = Time(load_default=None, allow_none=True)


class DryRun(Schema):
    dry_run = QueryBoolean(load_default=False)


class RuleOut(Schema):
    code = fields.String(required=True)
    version = fields.Integer(required=True)
    fact_kind = fields.String(required=True)
    title = fields.Dict(required=True)
    formula = fields.Dict(required=True)
    improvement = fields.Boolean(required=True)
    caps = fields.Dict(required=True)
    weekdays = fields.List(fields.Integer(), required=True, allow_none=True)
    active = fields.Boolean(required=True)
    effective_from = Time(required=True)
    yearly_most = fields.Integer(required=True)
