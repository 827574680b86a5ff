"""Members, memberships, roles, the roster."""

from typing import Any

from api.core import auth, jobs
from api.core.auth import Scope
from api.core.bodies import Upload
from api.core.errors import Conflict
from api.core.handlers import language
from api.core.http import Routes
from api.core.limits import IMPORT
from api.core.routes import JobOut
from api.core.schemas import page_of
from api.core.tables import UnreadableFile
from api.org.queries import scopes, views
from api.org.schemas import members as schemas
from api.org.schemas.structure import SlipOut
from api.org.service import members, memberships, roles, roster
from api.org.service.members import BeyondYourRoles
from api.org.service.memberships import OverlappingMembership
from api.org.service.structure import AlreadyExists

routes = Routes("members")
ADMIN = ("admin",)
READERS = ("admin", "secretary", "organizer", "auditor")


def _in_unit(body: dict[str, Any]) -> Scope:
    return Scope(body["unit_id"])


def _of_branch(body: dict[str, Any]) -> Scope:
    return scopes.referred("branch_id", scopes.scope_of_branch, body["branch_id"])


def _of_either(query: dict[str, Any]) -> Scope:
    if query["branch_id"]:
        return scopes.referred("branch_id", scopes.scope_of_branch_people, query["branch_id"])
    return scopes.referred("member_id", scopes.scope_of_member, query["member_id"])


@routes.endpoint(
    "GET /members", who=READERS, query=schemas.MembersQuery, reply=page_of(schemas.MemberOut),
    reveals=True, summary="The members whom my roles cover",
)  # fmt: skip
def list_members(query: dict[str, Any]) -> dict[str, Any]:
    return views.members(READERS, **query)


@routes.endpoint(
    "POST /members", who=ADMIN, over=_in_unit, body=schemas.MemberIn, reply=schemas.MemberOut,
    status=201, idempotent=True, problems=(AlreadyExists,), summary="Add a member",
)  # fmt: skip
def create_member(body: dict[str, Any]) -> dict[str, Any]:
    return views.member_view(members.create_member(body))


@routes.endpoint(
    "GET /members/{member_id}", who=READERS, over=scopes.scope_of_member, hidden=True,
    reply=schemas.MemberDetailOut, etag=True, reveals=True, summary="One member",
)  # fmt: skip
def get_member(member_id: str) -> dict[str, Any]:
    return views.member_detail(member_id)


@routes.endpoint(
    "PATCH /members/{member_id}", who=ADMIN, over=scopes.scope_of_member, hidden=True,
    body=schemas.MemberPatch, reply=schemas.MemberOut, etag=True, durable=True,
    problems=(BeyondYourRoles,), summary="Change a member; let one go; disable one",
)  # fmt: skip
def edit_member(member_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return views.member_view(members.edit_member(member_id, if_match, body))


@routes.endpoint(
    "POST /members/{member_id}/password-reset", who=("admin", "secretary"),
    over=scopes.scope_of_member, hidden=True, reply=SlipOut, durable=True,
    problems=(BeyondYourRoles,), summary="A new slip in place of a forgotten password",
)  # fmt: skip
def reset_password(member_id: str) -> dict[str, Any]:
    """The old password is void and all sessions end."""
    return views.slip_view(members.reset_password(member_id))


@routes.endpoint(
    "GET /memberships", who=READERS, over=_of_either, query=schemas.MembershipsQuery,
    reply=page_of(schemas.MembershipOut), reveals=True,
    summary="Who was when in a branch, or a member's branches",
)  # fmt: skip
def list_memberships(query: dict[str, Any]) -> dict[str, Any]:
    return views.memberships(**query)


@routes.endpoint(
    "POST /memberships", who=ADMIN, over=_of_branch, body=schemas.MembershipIn,
    reply=schemas.MembershipOut, status=201, idempotent=True,
    problems=(AlreadyExists, OverlappingMembership),
    summary="Let a member join a branch; the one of the same kind ends",
)  # fmt: skip
def join_branch(body: dict[str, Any]) -> dict[str, Any]:
    return views.membership_view(memberships.join(body))


@routes.endpoint(
    "POST /memberships/{membership_id}/end", who=ADMIN, over=scopes.scope_of_membership,
    body=schemas.MembershipEndIn, reply=schemas.MembershipOut, problems=(Conflict,),
    summary="End a membership",
)  # fmt: skip
def end_membership(membership_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return views.membership_view(memberships.end(membership_id, body["until_on"]))


@routes.endpoint(
    "GET /role-grants", who=("admin", "auditor"), query=schemas.RoleGrantsQuery,
    reply=page_of(schemas.RoleGrantOut), reveals=True, summary="Who holds which role",
)  # fmt: skip
def list_role_grants(query: dict[str, Any]) -> dict[str, Any]:
    return views.role_grants(**query)


@routes.endpoint(
    "POST /role-grants", who=ADMIN, over=roles.reach_of, body=schemas.RoleGrantIn,
    reply=schemas.RoleGrantOut, status=201, idempotent=True, durable=True,
    summary="Give a role",
)  # fmt: skip
def give_role(body: dict[str, Any]) -> dict[str, Any]:
    return views.grant_view(roles.give(body))


@routes.endpoint(
    "DELETE /role-grants/{grant_id}", who=ADMIN, over=roles.scope_of_grant, durable=True,
    summary="Take a role away",
)  # fmt: skip
def take_role(grant_id: str) -> None:
    roles.take(grant_id)


@routes.endpoint(
    "POST /members/imports", who=ADMIN, over=roster.reach_of, query=schemas.RosterQuery,
    upload=True, reply=JobOut, status=202, idempotent=True, rate=IMPORT,
    problems=(UnreadableFile,), summary="Synchronise with HR's roster (xlsx or csv)",
)  # fmt: skip
def import_roster(query: dict[str, Any], upload: Upload) -> dict[str, Any]:
    """A job: `dry_run` previews who would join, move and leave.  Who isn't in the file leaves;
    more than 5 % only with `allow_leavers`.  Rows with errors are given back in a copy of the
    file."""
    job = roster.start(upload, auth.principal().member_id, language(), query)
    return jobs.as_json(job, language())
