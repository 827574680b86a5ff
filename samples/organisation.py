"""Loading the sample organisation over the public API, step by step."""

import json
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples.client import Client

HERE = Path(__file__).parent
VISITOR = ("HY01", "00101")
ADMIN = ("HY01", "00001")

Key = tuple[str, str]


@dataclass
class Sample:
    """What the steps tell each other."""

    base_url: str
    organization: dict[str, Any]
    admin: Client
    companies: dict[str, str] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    members: dict[Key, str] = field(default_factory=dict)
    slips: dict[Key, str] = field(default_factory=dict)
    passwords: dict[Key, str] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    def signed_in(self, who: Key) -> Client:
        """A client of a member, who chooses a password with the slip at the first time."""
        client = Client(self.base_url)
        self.clients.append(client)
        body = {"company": who[0], "number": who[1], "password": self.passwords.get(who)}
        if who not in self.passwords:
            chosen = secrets.token_urlsafe(12)
            body |= {"password": self.slips[who], "new_password": chosen}
            self.passwords[who] = chosen
        client.sign_in(body)
        return client

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.close()


def pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list."""
    sign = "&" if "?" in path else "?"
    cursor = ""
    while True:
        page = client.get(f"{path}{sign}limit=200{cursor}")
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def units(sample: Sample) -> None:
    units = list(pages(sample.admin, "/units"))
    group = next(unit["id"] for unit in units if unit["kind"] == "group")
    sample.companies = {unit["code"]: unit["id"] for unit in units if unit["code"]}
    for company in sample.organization["companies"]:
        for unit in units:
            if unit["code"] == company["code"]:
                sample.admin.patch(f"/units/{unit['id']}", {"name": company["name"]}, unit)
        if company["code"] not in sample.companies:
            made = sample.admin.post(
                "/units",
                {
                    "parent_id": group, "kind": "company", "code": company["code"],
                    "name": company["name"],
                },
            )  # fmt: skip
            sample.companies[company["code"]] = made["id"]
    sample.companies["group"] = group


def branches(sample: Sample) -> None:
    for branch in sample.organization["branches"]:
        body = {
            "kind": branch["kind"], "name": branch["name"],
            "unit_id": sample.companies[branch["company"]],
            "established_on": branch["established_on"],
        }  # fmt: skip
        sample.branches[branch["name"]] = sample.admin.post("/branches", body)["id"]


def people(sample: Sample) -> None:
    content = (HERE / "roster.xlsx").read_bytes()
    sample.admin.finished(sample.admin.upload("/members/imports", "roster.xlsx", content))
    code_of = {unit_id: code for code, unit_id in sample.companies.items()}
    for member in pages(sample.admin, "/members"):
        sample.members[code_of[member["company_id"]], member["number"]] = member["id"]


def bodies(sample: Sample) -> None:
    for body in sample.organization["bodies"]:
        fields = {"kind": body["kind"], "name": body["name"], "unit_id": sample.companies["group"]}
        sample.bodies[body["name"]] = sample.admin.post("/organizing-bodies", fields)["id"]


def teams(sample: Sample) -> None:
    for team in sample.organization["teams"]:
        members = [
            {"member_id": sample.members[team["company"], number]} for number in team["numbers"]
        ]
        fields = {
            "kind": team["kind"], "name": team["name"], "members": members,
            "unit_id": sample.companies[team["company"]],
        }  # fmt: skip
        sample.admin.post("/teams", fields)


def roles(sample: Sample) -> None:
    roles = sample.organization["roles"]
    organizer = roles["organizer"]
    _grant(
        sample, organizer, "organizer", unit_id=sample.companies["group"],
        body_id=sample.bodies[organizer["body"]],
    )  # fmt: skip
    _grant(sample, roles["auditor"], "auditor")
    for role, title in (("secretary", "secretaries"), ("representative", "representatives")):
        for officer in roles[title]:
            _grant(sample, officer, role, branch_id=sample.branches[officer["branch"]])


def _grant(sample: Sample, who: dict[str, str], role: str, **scope: str) -> None:
    member_id = sample.members[who["company"], who["number"]]
    sample.admin.post("/role-grants", {"member_id": member_id, "role": role, **scope})


def slips(sample: Sample, done: Callable[[], None]) -> None:
    """A slip for everybody: each belongs to a union group."""
    key_of = {member_id: key for key, member_id in sample.members.items()}
    for branch in sample.organization["branches"]:
        if branch["kind"] == "union":
            made = sample.admin.post(f"/branches/{sample.branches[branch['name']]}/slips")
            for slip in made["slips"]:
                sample.slips[key_of[slip["member_id"]]] = slip["password"]
        done()


def secretary(sample: Sample) -> Key:
    """The first branch's secretary."""
    officer = sample.organization["roles"]["secretaries"][0]
    return officer["company"], officer["number"]


def organization() -> dict[str, Any]:
    """What HR's file doesn't say."""
    found: dict[str, Any] = json.loads((HERE / "organization.json").read_text(encoding="utf-8"))
    return found


STEPS = (units, branches, people, bodies, teams, roles)


def members_of(sample: Sample, count: int) -> list[Key]:
    """Some members with a slip, the same ones every time."""
    officer = sample.organization["roles"]["organizer"]
    taken = {ADMIN, VISITOR, (officer["company"], officer["number"])}
    able = sorted(key for key in sample.slips if key not in taken)
    return random.Random(7).sample(able, count)
