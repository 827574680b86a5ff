"""Members, memberships and roles as they come in and go out."""

import marshmallow as ma
from marshmallow import fields

from api.core.auth import ROLES
from api.core.i18n import _
from api.core.schemas import (
    Boolean,
    Enum,
    Identifier,
    PageQuery,
    QueryBoolean,
    Schema,
    String,
    Time,
)
from api.org.models import BRANCH_KINDS, MEMBER_STATUSES
from api.org.schemas.fields import Name
from api.org.schemas.sign_in import OwnBranchOut

GIVEN_ROLES = tuple(role for role in ROLES if role != "employee")


class MembersQuery(PageQuery):
    """`unit_id`: of this unit and those below it.  `q`: the beginning of a number, or a part of a
    name."""

    unit_id = Identifier(load_default=None)
    branch_id = Identifier(load_default=None)
    status = Enum(*MEMBER_STATUSES, load_default=None)
    q = String(low=1, high=40, load_default=None)


class MemberIn(Schema):
    company_id = Identifier(required=True)
    number = Name(low=1, high=40, required=True)
    name = Name(low=1, high=100, required=True)
    unit_id = Identifier(required=True)
    post = Name(high=100, load_default=None, allow_none=True)
    status = Enum(*MEMBER_STATUSES[:-1], load_default="active")
    joined_on = fields.Date(load_default=None, allow_none=True)


class MemberPatch(Schema):
    """`status` "left" closes the memberships and signs the member out; so does `disabled`."""

    name = Name(low=1, high=100)
    unit_id = Identifier()
    post = Name(high=100, allow_none=True)
    status = Enum(*MEMBER_STATUSES)
    disabled = Boolean()


class MemberOut(Schema):
    id = Identifier(required=True)
    company_id = Identifier(required=True)
    number = fields.String(required=True)
    name = fields.String(required=True)
    unit_id = Identifier(required=True)
    post = fields.String(required=True, allow_none=True)
    status = Enum(*MEMBER_STATUSES, required=True)
    joined_on = fields.Date(required=True, allow_none=True)
    disabled = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class MemberDetailOut(MemberOut):
    branches = fields.List(fields.Nested(OwnBranchOut), required=True)


class RosterQuery(Schema):
    """`company`: the code of the one company in the file; without it each row names its own."""

    dry_run = QueryBoolean(load_default=False)
    company = String(low=1, high=20, load_default=None)
    skip_errors = QueryBoolean(load_default=False)
    allow_leavers = QueryBoolean(load_default=False)


class MembershipsQuery(PageQuery):
    branch_id = Identifier(load_default=None)
    member_id = Identifier(load_default=None)

    @ma.validates_schema
    def _one_is_needed(self, data: dict[str, object], **_more: object) -> None:
        if (data["branch_id"] is None) == (data["member_id"] is None):
            wrong = _("Give either `branch_id` or `member_id`.")
            raise ma.ValidationError(wrong, "branch_id")  # type: ignore[arg-type]


class MembershipIn(Schema):
    """From today where `from_on` is left out."""

    member_id = Identifier(required=True)
    branch_id = Identifier(required=True)
    from_on = fields.Date(load_default=None, allow_none=True)


class MembershipEndIn(Schema):
    """The first day on which the member doesn't belong to the branch; today if left out."""

    until_on = fields.Date(load_default=None, allow_none=True)


class MembershipOut(Schema):
    id = Identifier(required=True)
    member_id = Identifier(required=True)
    branch_id = Identifier(required=True)
    kind = Enum(*BRANCH_KINDS, required=True)
    from_on = fields.Date(required=True)
    until_on = fields.Date(required=True, allow_none=True)


class RoleGrantsQuery(PageQuery):
    member_id = Identifier(load_default=None)
    role = Enum(*GIVEN_ROLES, load_default=None)


class RoleGrantIn(Schema):
    """Over a unit's subtree (none: the whole organisation), for a body, or in a branch."""

    member_id = Identifier(required=True)
    role = Enum(*GIVEN_ROLES, required=True)
    unit_id = Identifier(load_default=None, allow_none=True)
    body_id = Identifier(load_default=None, allow_none=True)
    branch_id = Identifier(load_default=None, allow_none=True)
    from_at = Time(load_default=None, allow_none=True)
    until_at = Time(load_default=None, allow_none=True)


class RoleGrantOut(Schema):
    id = Identifier(required=True)
    member_id = Identifier(required=True)
    role = Enum(*GIVEN_ROLES, required=True)
    unit_id = Identifier(required=True, allow_none=True)
    body_id = Identifier(required=True, allow_none=True)
    branch_id = Identifier(required=True, allow_none=True)
    from_at = Time(required=True)
    until_at = Time(required=True, allow_none=True)
    granted_by = Identifier(required=True, allow_none=True)
