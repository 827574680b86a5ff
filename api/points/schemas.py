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
from api.points.rules.boards import METHODS
from api.points.rules.facts import FACT_VALUES
from api.points.rules.periods import PATTERN

PERIOD = validate.Regexp(PATTERN)


class BoardQuery(Schema):
    """`period`: a day ("2026-11-23"), week ("2026-W48"), month ("2026-11"), quarter ("2026-Q4"),
    year, season ("s-spring") or "all"; left out: the present month.  `unit`, `branch`: only what
    was earned there; `band`: branches of like size ("11-30").
    """

    period = fields.String(validate=PERIOD, load_default=None)
    unit = Identifier(load_default=None)
    branch = Identifier(load_default=None)
    band = String(high=10, load_default=None)
    limit = QueryInteger(low=1, high=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=500), load_default=None)
    around = Enum("me", load_default=None)


class ExplainQuery(Schema):
    member = Identifier(load_default=None)
    branch = Identifier(load_default=None)
    period = fields.String(validate=PERIOD, load_default=None)


class LedgerQuery(PageQuery):
    period = fields.String(validate=PERIOD, load_default="all")


class BoardOut(Schema):
    """A board there is.  `value` says what ranks, `says` the same in words; `periods` are those
    that run today."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    active = fields.Boolean(required=True)
    value = fields.String(required=True)
    best_n = fields.Integer(required=True)
    percent = fields.Integer(required=True)
    says = fields.String(required=True)
    periods = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)


class BoardChange(Schema):
    """`method`: how branches are compared; `best_n`: of how many the mean is; `percent`: how much
    the share of those who took part counts."""

    active = Boolean()
    method = Enum(*METHODS)
    best_n = Integer(low=1, high=100)
    percent = Integer(low=0, high=100)


class SeasonIn(Schema):
    """A named span of days, both included; it may have begun already."""

    code = String(low=1, high=8, required=True, validate=validate.Regexp(r"^[a-z0-9]+$"))
    title = fields.Dict(
        keys=Enum("zh-CN", "en"), values=String(low=1, high=60), required=True,
        validate=validate.Length(1, 2),
    )  # fmt: skip
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)


class SeasonOut(Schema):
    code = fields.String(required=True)
    period = fields.String(required=True)
    title = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)


class SeasonsOut(Schema):
    items = fields.List(fields.Nested(SeasonOut), required=True)


class BoardsOut(Schema):
    items = fields.List(fields.Nested(BoardOut), required=True)


class TieBreak(Schema):
    rule = fields.String(required=True)
    value = fields.String(required=True, allow_none=True)


class BoardRowOut(Schema):
    """`rank` is null where it isn't known without Valkey; hidden people have no id and no name.
    `small`: a branch of fewer than ten people, whose figures aren't shown."""

    rank = fields.Integer(required=True, allow_none=True)
    subject_id = Identifier(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    hidden = fields.Boolean(required=True)
    small = fields.Boolean(required=True)
    points = fields.Float(required=True, allow_none=True)
    reached_at = Time(required=True, allow_none=True)
    tie_break = fields.Nested(TieBreak, required=True)


class OwnRowOut(Schema):
    rank = fields.Integer(required=True, allow_none=True)
    points = fields.Float(required=True)
    reached_at = Time(required=True)


class LeaderboardOut(Schema):
    """A page of a board.  `stale`: true while it comes from SQL because Valkey can't answer."""

    key = fields.String(required=True)
    period = fields.String(required=True)
    scope = fields.String(required=True, allow_none=True)
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


class BranchWhyOut(Schema):
    """Of a branch of fewer than ten people (`small`) no figures."""

    branch_id = Identifier(required=True)
    method = fields.String(required=True)
    says = fields.String(required=True)
    heads = fields.Integer(required=True)
    band = fields.String(required=True)
    small = fields.Boolean(required=True)
    value = fields.Float(required=True, allow_none=True)
    sum_points = fields.Integer(required=True, allow_none=True)
    participants = fields.Integer(required=True, allow_none=True)


class ExplanationOut(Schema):
    """The ledger lines behind a person's total, or what a branch's value is made of; and how ties
    are broken on this board."""

    key = fields.String(required=True)
    period = fields.String(required=True)
    points = fields.Integer(required=True, allow_none=True)
    branch = fields.Nested(BranchWhyOut, required=True, allow_none=True)
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
