"""Units, branches and their slips, organising bodies, teams."""

from typing import Any

from flask import Response

from api.core.auth import Scope
from api.core.handlers import language
from api.core.http import EMPLOYEE, Routes
from api.core.schemas import page_of
from api.org.formats import slips
from api.org.models import Branch, Unit
from api.org.queries import scopes, views
from api.org.schemas import structure as schemas
from api.org.service import members, structure
from api.org.service.structure import AlreadyExists, Cycle

routes = Routes("organisation")
ADMIN = ("admin",)
TEAM_READERS = ("admin", "organizer", "auditor")


def _below_parent(body: dict[str, Any]) -> Scope:
    return Scope(body["parent_id"])


def _in_unit(body: dict[str, Any]) -> Scope:
    return Scope(body["unit_id"])


@routes.endpoint(
    "GET /units", who=EMPLOYEE, query=schemas.UnitsQuery, reply=page_of(schemas.UnitOut),
    summary="Units in the order of the tree",
)  # fmt: skip
def list_units(query: dict[str, Any]) -> dict[str, Any]:
    return views.units(**query)


@routes.endpoint(
    "POST /units", who=ADMIN, over=_below_parent, body=schemas.UnitIn, reply=schemas.UnitOut,
    status=201, idempotent=True, problems=(AlreadyExists,), summary="Make a unit",
)  # fmt: skip
def create_unit(body: dict[str, Any]) -> dict[str, Any]:
    return views.unit_view(structure.create_unit(body))


@routes.endpoint(
    "GET /units/{unit_id}", who=EMPLOYEE, reply=schemas.UnitOut, etag=True, summary="One unit"
)
def get_unit(unit_id: str) -> dict[str, Any]:
    return views.unit_view(views.one(Unit, unit_id))


@routes.endpoint(
    "PATCH /units/{unit_id}", who=ADMIN, over=scopes.scope_of_unit, body=schemas.UnitPatch,
    reply=schemas.UnitOut, etag=True, problems=(AlreadyExists, Cycle),
    summary="Rename a unit or move it with all below it",
)  # fmt: skip
def edit_unit(unit_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return views.unit_view(structure.edit_unit(unit_id, if_match, body))


@routes.endpoint(
    "GET /branches", who=EMPLOYEE, query=schemas.BranchesQuery, reply=page_of(schemas.BranchOut),
    summary="Branches",
)  # fmt: skip
def list_branches(query: dict[str, Any]) -> dict[str, Any]:
    return views.branches(**query)


@routes.endpoint(
    "POST /branches", who=ADMIN, over=_in_unit, body=schemas.BranchIn, reply=schemas.BranchOut,
    status=201, idempotent=True, problems=(AlreadyExists,), summary="Make a branch",
)  # fmt: skip
def create_branch(body: dict[str, Any]) -> dict[str, Any]:
    return views.branch_view(structure.create_branch(body))


@routes.endpoint(
    "GET /branches/{branch_id}", who=EMPLOYEE, reply=schemas.BranchOut, etag=True,
    summary="One branch",
)  # fmt: skip
def get_branch(branch_id: str) -> dict[str, Any]:
    return views.branch_view(views.one(Branch, branch_id))


@routes.endpoint(
    "PATCH /branches/{branch_id}", who=ADMIN, over=scopes.scope_of_branch,
    body=schemas.BranchPatch, reply=schemas.BranchOut, etag=True,
    problems=(AlreadyExists, Cycle), summary="Change a branch",
)  # fmt: skip
def edit_branch(branch_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return views.branch_view(structure.edit_branch(branch_id, if_match, body))


@routes.endpoint(
    "POST /branches/{branch_id}/slips", who=("admin", "secretary"), over=scopes.scope_of_branch,
    query=schemas.SlipsQuery, body=schemas.SlipsIn, reply=schemas.SlipsOut, durable=True,
    summary="First passwords for a branch, shown once",
)  # fmt: skip
def make_slips(
    branch_id: str, query: dict[str, Any], body: dict[str, Any]
) -> dict[str, Any] | Response:
    """Each is good once, for 14 days; an earlier slip is void.  `format=xlsx` gives a sheet to
    print."""
    made = members.slips_of_branch(branch_id, body["member_ids"])
    if query["format"] == "xlsx":
        codes = views.company_codes(slip.member_id for slip in made["slips"])
        content = slips.slips_xlsx(made["slips"], codes, language())
        return Response(content, mimetype=slips.XLSX)
    return {**made, "slips": [views.slip_view(slip) for slip in made["slips"]]}


@routes.endpoint(
    "GET /organizing-bodies", who=EMPLOYEE, query=schemas.PlacedQuery,
    reply=page_of(schemas.BodyOut), summary="Who runs contests and selections",
)  # fmt: skip
def list_bodies(query: dict[str, Any]) -> dict[str, Any]:
    return views.bodies(**query)


@routes.endpoint(
    "POST /organizing-bodies", who=ADMIN, over=_in_unit, body=schemas.BodyIn,
    reply=schemas.BodyOut, status=201, idempotent=True, problems=(AlreadyExists,),
    summary="Make an organising body",
)  # fmt: skip
def create_body(body: dict[str, Any]) -> dict[str, Any]:
    return views.placed_view(structure.create_body(body))


@routes.endpoint(
    "GET /teams", who=EMPLOYEE, query=schemas.TeamsQuery, reply=page_of(schemas.TeamOut),
    summary="Teams, projects and posts",
)  # fmt: skip
def list_teams(query: dict[str, Any]) -> dict[str, Any]:
    return views.teams(**query)


@routes.endpoint(
    "POST /teams", who=ADMIN, over=_in_unit, body=schemas.TeamIn, reply=schemas.TeamDetailOut,
    status=201, idempotent=True, problems=(AlreadyExists,), summary="Make a team",
)  # fmt: skip
def create_team(body: dict[str, Any]) -> dict[str, Any]:
    return views.team(structure.create_team(body).id)


@routes.endpoint(
    "GET /teams/{team_id}", who=TEAM_READERS, over=scopes.scope_of_team,
    reply=schemas.TeamDetailOut, reveals=True, summary="A team with its members",
)  # fmt: skip
def get_team(team_id: str) -> dict[str, Any]:
    return views.team(team_id)


@routes.endpoint(
    "PUT /teams/{team_id}/members", who=ADMIN, over=scopes.scope_of_team,
    body=schemas.TeamMembersIn, reply=schemas.TeamDetailOut, summary="Set a team's members",
)  # fmt: skip
def set_team_members(team_id: str, body: dict[str, Any]) -> dict[str, Any]:
    structure.set_team_members(team_id, body["members"])
    return views.team(team_id)
