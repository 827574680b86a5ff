"""Contests as they come in and go out."""

import marshmallow as ma
from marshmallow import fields, validate

from api.contests.models import CONTEST_STATES
from api.core.i18n import _
from api.core.schemas import (
    Boolean,
    Enum,
    Identifier,
    Integer,
    Number,
    PageQuery,
    QueryBoolean,
    Schema,
    String,
    Time,
)
from api.org.models import BRANCH_KINDS

MAX_PAPER = 200
REVIEWS = ("nothing", "score_only", "after_close", "immediate")


class PaperIn(Schema):
    """A fixed list of questions, or a random draw of `count` from a bank."""

    kind = Enum("fixed", "draw", required=True)
    question_ids = fields.List(Identifier(), validate=validate.Length(1, MAX_PAPER))
    bank_id = Identifier()
    count = Integer(low=1, high=MAX_PAPER)

    @ma.validates_schema
    def complete(self, data: dict[str, object], **_kwargs: object) -> None:
        """Each kind needs its own fields, and no others."""
        needed = {"fixed": {"question_ids"}, "draw": {"bank_id", "count"}}[str(data["kind"])]
        if set(data) - {"kind"} != needed:
            wrong = _(
                "A paper of this kind needs exactly: {fields}.", fields=", ".join(sorted(needed))
            )
            raise ma.ValidationError(wrong)  # type: ignore[arg-type]


class ContestSettings(Schema):
    """The rules of a contest.  Durations in seconds, points in points."""

    paper = fields.Nested(PaperIn, required=True)
    points_per_question = Number(
        load_default=5.0, validate=validate.Range(0.5, 100), metadata={"multipleOf": 0.01}
    )
    limit_s = Integer(low=30, high=4 * 3600, load_default=1800)
    grace_s = Integer(low=0, high=120, load_default=5)
    tries = Integer(low=1, high=100, load_default=1)
    counts = Enum("best", "first", "last", load_default="best")
    shuffle_questions = Boolean(load_default=True)
    shuffle_options = Boolean(load_default=True)
    review = Enum(*REVIEWS, load_default="after_close")
    branch_kind = Enum(*BRANCH_KINDS, load_default="union")
    only_branch_members = Boolean(load_default=False)
    release = Enum("automatic", "manual", load_default="automatic")
    participation_weight_percent = Integer(low=0, high=100, load_default=50)


class ContestIn(Schema):
    """`unit_id` and `body_id`: whose contest it is; `audience_unit_ids`: who may take part
    (default: the contest's unit and all below)."""

    title = String(low=1, high=120, required=True)
    description = String(high=2000, lines=True, load_default="")
    unit_id = Identifier(required=True)
    body_id = Identifier(load_default=None, allow_none=True)
    audience_unit_ids = fields.List(Identifier(), validate=validate.Length(1, 100))
    opens_at = Time(required=True)
    closes_at = Time(required=True)
    settings = fields.Nested(ContestSettings, required=True)


class ContestPatch(Schema):
    title = String(low=1, high=120)
    description = String(high=2000, lines=True)
    audience_unit_ids = fields.List(Identifier(), validate=validate.Length(1, 100))
    opens_at = Time()
    closes_at = Time()
    settings = fields.Nested(ContestSettings)


class ExtendIn(Schema):
    closes_at = Time(required=True)


class ContestQuery(PageQuery):
    state = Enum(*CONTEST_STATES, load_default=None)


class PublishQuery(Schema):
    dry_run = QueryBoolean(load_default=False)


class ContestOut(Schema):
    """`phase` is what the clock makes of the state: draft, upcoming, open, paused, closed,
    settled, released, cancelled."""

    id = Identifier(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    unit_id = Identifier(required=True)
    body_id = Identifier(required=True, allow_none=True)
    audience_unit_ids = fields.List(Identifier(), required=True)
    state = fields.String(required=True)
    phase = fields.String(required=True)
    opens_at = Time(required=True)
    closes_at = Time(required=True)
    paused_at = Time(required=True, allow_none=True)
    question_count = fields.Integer(required=True)
    max_score = fields.Float(required=True)
    settings = fields.Dict(required=True)
    results_version = fields.Integer(required=True)
    released_at = Time(required=True, allow_none=True)
    version = fields.Integer(required=True)


class PublishOut(Schema):
    """What publishing does: how many questions are in the pool and who may take part."""

    contest = fields.Nested(ContestOut, required=True)
    pool_size = fields.Integer(required=True)
    eligible = fields.Integer(required=True)


class TieBreakOut(Schema):
    rule = fields.String(required=True)
    value = fields.String(required=True, allow_none=True)


class ResultOut(Schema):
    """One row of the results.  Hidden members have no id and no name."""

    rank = fields.Integer(required=True)
    member_id = Identifier(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    hidden = fields.Boolean(required=True)
    score = fields.Float(required=True)
    time_share = fields.Float(required=True)
    tries = fields.Integer(required=True)
    tie_break = fields.Nested(TieBreakOut, required=True)


class ResultsOut(Schema):
    contest_id = Identifier(required=True)
    results_version = fields.Integer(required=True)
    settled_at = Time(required=True)
    items = fields.List(fields.Nested(ResultOut), required=True)
    me = fields.Nested(ResultOut, required=True, allow_none=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BranchResultOut(Schema):
    """`small`: fewer than ten people, so that the figures are left out."""

    rank = fields.Integer(required=True)
    branch_id = Identifier(required=True)
    name = fields.String(required=True)
    band = fields.String(required=True)
    eligible = fields.Integer(required=True)
    participants = fields.Integer(required=True)
    mean_score = fields.Float(required=True, allow_none=True)
    value = fields.Float(required=True, allow_none=True)
    small = fields.Boolean(required=True)
    tie_break = fields.Nested(TieBreakOut, required=True)


class BranchResultsOut(Schema):
    contest_id = Identifier(required=True)
    results_version = fields.Integer(required=True)
    branch_kind = fields.String(required=True)
    items = fields.List(fields.Nested(BranchResultOut), required=True)


class ParticipationOut(Schema):
    branch_id = Identifier(required=True)
    name = fields.String(required=True)
    eligible = fields.Integer(required=True)
    participants = fields.Integer(required=True)


class StatisticsOut(Schema):
    """Counts, not names."""

    contest_id = Identifier(required=True)
    eligible = fields.Integer(required=True)
    participants = fields.Integer(required=True)
    attempts = fields.Integer(required=True)
    running = fields.Integer(required=True)
    branch_kind = fields.String(required=True)
    branches = fields.List(fields.Nested(ParticipationOut), required=True)
