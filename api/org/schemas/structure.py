"""Units, branches, bodies and teams as they come in and go out."""

from marshmallow import fields, validate

from api.core.schemas import Boolean, Enum, Identifier, PageQuery, Schema, String, Time
from api.org.models import BODY_KINDS, BRANCH_KINDS, TEAM_KINDS, UNIT_KINDS
from api.org.schemas.fields import Name

CODE = validate.Regexp(r"[A-Za-z0-9_.-]+\Z")


class UnitsQuery(PageQuery):
    """`under`: the subtree of this unit, itself included.  `parent_id`: right below it."""

    under = Identifier(load_default=None)
    parent_id = Identifier(load_default=None)
    kind = Enum(*UNIT_KINDS, load_default=None)


class UnitIn(Schema):
    """`code`: what the people of a company sign in with."""

    parent_id = Identifier(load_default=None, allow_none=True)
    kind = Enum(*UNIT_KINDS, required=True)
    code = String(low=1, high=20, validate=CODE, load_default=None, allow_none=True)
    name = Name(low=1, high=100, required=True)


class UnitPatch(Schema):
    """Another `parent_id` moves the unit with all below it."""

    parent_id = Identifier(allow_none=True)
    code = String(low=1, high=20, validate=CODE, allow_none=True)
    name = Name(low=1, high=100)


class UnitOut(Schema):
    """`path`: the ids of the units above it and its own, from the top."""

    id = Identifier(required=True)
    parent_id = Identifier(required=True, allow_none=True)
    kind = Enum(*UNIT_KINDS, required=True)
    code = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    path = fields.List(Identifier(), required=True)
    version = fields.Integer(required=True)


class BranchesQuery(PageQuery):
    """`unit_id`: branches of this unit and of those below it."""

    unit_id = Identifier(load_default=None)
    kind = Enum(*BRANCH_KINDS, load_default=None)


class BranchIn(Schema):
    kind = Enum(*BRANCH_KINDS, required=True)
    name = Name(low=1, high=100, required=True)
    unit_id = Identifier(required=True)
    parent_id = Identifier(load_default=None, allow_none=True)
    established_on = fields.Date(load_default=None, allow_none=True)
    temporary = Boolean(load_default=False)


class BranchPatch(Schema):
    name = Name(low=1, high=100)
    unit_id = Identifier()
    parent_id = Identifier(allow_none=True)
    established_on = fields.Date(allow_none=True)
    temporary = Boolean()


class BranchOut(Schema):
    id = Identifier(required=True)
    kind = Enum(*BRANCH_KINDS, required=True)
    name = fields.String(required=True)
    unit_id = Identifier(required=True)
    parent_id = Identifier(required=True, allow_none=True)
    established_on = fields.Date(required=True, allow_none=True)
    temporary = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class SlipsIn(Schema):
    """Without `member_ids`: slips for all who have no password of their own yet."""

    member_ids = fields.List(
        Identifier(), validate=validate.Length(1, 500), load_default=None, allow_none=True
    )


class SlipsQuery(Schema):
    format = Enum("json", "xlsx", load_default="json")


class SlipOut(Schema):
    """`password` is shown here and nowhere else; it is good once."""

    member_id = Identifier(required=True)
    number = fields.String(required=True)
    name = fields.String(required=True)
    password = fields.String(required=True)
    expires_at = Time(required=True)


class SlipsOut(Schema):
    """`skipped`: who holds roles beyond yours; an administrator over them gives a slip."""

    slips = fields.List(fields.Nested(SlipOut), required=True)
    skipped = fields.List(Identifier(), required=True)


class PlacedQuery(PageQuery):
    """`unit_id`: those of this unit and of the units below it."""

    unit_id = Identifier(load_default=None)


class BodyIn(Schema):
    kind = Enum(*BODY_KINDS, required=True)
    name = Name(low=1, high=100, required=True)
    unit_id = Identifier(required=True)


class BodyOut(Schema):
    id = Identifier(required=True)
    kind = Enum(*BODY_KINDS, required=True)
    name = fields.String(required=True)
    unit_id = Identifier(required=True)


class TeamsQuery(PlacedQuery):
    kind = Enum(*TEAM_KINDS, load_default=None)


class TeamMemberIn(Schema):
    """From today where `from_on` is left out."""

    member_id = Identifier(required=True)
    from_on = fields.Date(load_default=None, allow_none=True)
    until_on = fields.Date(load_default=None, allow_none=True)


class TeamMembersIn(Schema):
    members = fields.List(
        fields.Nested(TeamMemberIn), validate=validate.Length(max=500), required=True
    )


class TeamIn(Schema):
    kind = Enum(*TEAM_KINDS, required=True)
    name = Name(low=1, high=100, required=True)
    unit_id = Identifier(required=True)
    members = fields.List(
        fields.Nested(TeamMemberIn), validate=validate.Length(max=500), load_default=list
    )


class TeamOut(Schema):
    id = Identifier(required=True)
    kind = Enum(*TEAM_KINDS, required=True)
    name = fields.String(required=True)
    unit_id = Identifier(required=True)


class TeamMemberOut(Schema):
    member_id = Identifier(required=True)
    from_on = fields.Date(required=True)
    until_on = fields.Date(required=True, allow_none=True)


class TeamDetailOut(TeamOut):
    members = fields.List(fields.Nested(TeamMemberOut), required=True)
