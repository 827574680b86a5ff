"""Load the sample organisation and play one contest, all over the public API.

    python -m samples.play --base-url http://127.0.0.1:8000

Run by the supervisor at the first start.  Only the first administrator is made directly, as
`flask create-admin` does it; everything else goes the way that users go.
"""

import argparse
import json
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.core.settings import LOOPBACK_HOSTS, Settings
from samples import first_admin
from samples.client import Client, Refused

HERE = Path(__file__).parent
PLAYERS = 150
THREADS = 6
PLAY_S = 40
PAPER = 20
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

    def signed_in(self, who: Key) -> Client:
        """A client of a member, who chooses a password with the slip at the first time."""
        client = Client(self.base_url)
        body = {"company": who[0], "number": who[1], "password": self.passwords.get(who)}
        if who not in self.passwords:
            chosen = secrets.token_urlsafe(12)
            body |= {"password": self.slips[who], "new_password": chosen}
            self.passwords[who] = chosen
        client.sign_in(body)
        return client


def main() -> int:
    """Play; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    base_url = parser.parse_args().base_url
    settings = Settings.from_env()
    if urlsplit(base_url).hostname not in LOOPBACK_HOSTS or not settings.loopback:
        print("Sample data is only loaded on a loopback address.", file=sys.stderr)
        return 1
    if first_admin.has_data(settings):
        print("There is data already; the sample is left out.")
        (settings.home / "seeded").touch()
        return 0
    sample = _prepared(settings, base_url)
    try:
        _play(sample)
    except Refused as refusal:
        print(f"The sample stopped: {refusal}", file=sys.stderr)
        return 1
    _leave_word(settings, sample)
    return 0


def _prepared(settings: Settings, base_url: str) -> Sample:
    organization = json.loads((HERE / "organization.json").read_text(encoding="utf-8"))
    sample = Sample(base_url, organization, Client(base_url))
    sample.slips[ADMIN] = first_admin.make(settings, organization, ADMIN)
    return sample


def _play(sample: Sample) -> None:
    columns = (
        TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console()) as progress:
        sample.admin = sample.signed_in(ADMIN)
        with _step(progress, "Organisation", 6) as done:
            for part in (_units, _branches, _people, _bodies, _teams, _roles):
                part(sample)
                done()
        with _step(progress, "First passwords", len(sample.branches)) as done:
            _slips(sample, done)
        organizer = _organizer(sample)
        with _step(progress, "Question bank", 1) as done:
            bank = _bank(sample, organizer)
            done()
        players = _players(sample)
        with _step(progress, "Employees sign in", len(players)) as done:
            clients = _sign_ins(sample, players, done)
        contest = _contest(sample, organizer, bank, "安全知识预赛", timedelta(seconds=PLAY_S), 1)
        with _step(progress, "Employees compete", len(clients)) as done:
            _compete(sample, contest, clients, done)
        with _step(progress, "Results settle", 1) as done:
            _settled(organizer, contest)
            done()
        _contest(sample, organizer, bank, "安全月知识竞赛", timedelta(days=30), 3)


@contextmanager
def _step(progress: Progress, title: str, total: int) -> Iterator[Callable[[], None]]:
    task = progress.add_task(title, total=total)
    yield lambda: progress.advance(task)


def _pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list."""
    sign = "&" if "?" in path else "?"
    cursor = ""
    while True:
        page = client.get(f"{path}{sign}limit=200{cursor}")
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def _units(sample: Sample) -> None:
    units = list(_pages(sample.admin, "/units"))
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


def _branches(sample: Sample) -> None:
    for branch in sample.organization["branches"]:
        body = {
            "kind": branch["kind"], "name": branch["name"],
            "unit_id": sample.companies[branch["company"]],
            "established_on": branch["established_on"],
        }  # fmt: skip
        sample.branches[branch["name"]] = sample.admin.post("/branches", body)["id"]


def _people(sample: Sample) -> None:
    content = (HERE / "roster.xlsx").read_bytes()
    sample.admin.finished(sample.admin.upload("/members/imports", "roster.xlsx", content))
    code_of = {unit_id: code for code, unit_id in sample.companies.items()}
    for member in _pages(sample.admin, "/members"):
        sample.members[code_of[member["company_id"]], member["number"]] = member["id"]


def _bodies(sample: Sample) -> None:
    for body in sample.organization["bodies"]:
        fields = {"kind": body["kind"], "name": body["name"], "unit_id": sample.companies["group"]}
        sample.bodies[body["name"]] = sample.admin.post("/organizing-bodies", fields)["id"]


def _teams(sample: Sample) -> None:
    for team in sample.organization["teams"]:
        members = [
            {"member_id": sample.members[team["company"], number]} for number in team["numbers"]
        ]
        fields = {
            "kind": team["kind"], "name": team["name"], "members": members,
            "unit_id": sample.companies[team["company"]],
        }  # fmt: skip
        sample.admin.post("/teams", fields)


def _roles(sample: Sample) -> None:
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


def _slips(sample: Sample, done: Callable[[], None]) -> None:
    """A slip for everybody: each belongs to a union group."""
    key_of = {member_id: key for key, member_id in sample.members.items()}
    for branch in sample.organization["branches"]:
        if branch["kind"] == "union":
            made = sample.admin.post(f"/branches/{sample.branches[branch['name']]}/slips")
            for slip in made["slips"]:
                sample.slips[key_of[slip["member_id"]]] = slip["password"]
        done()


def _organizer(sample: Sample) -> Client:
    who = sample.organization["roles"]["organizer"]
    return sample.signed_in((who["company"], who["number"]))


def _bank(sample: Sample, organizer: Client) -> str:
    body = sample.bodies[sample.organization["roles"]["organizer"]["body"]]
    bank = organizer.post(
        "/question-banks",
        {"name": "安全与能源题库", "unit_id": sample.companies["group"], "body_id": body},
    )
    content = (HERE / "safety_and_energy.txt").read_bytes()
    path = f"/question-banks/{bank['id']}/imports"
    organizer.finished(organizer.upload(path, "safety_and_energy.txt", content))
    for question in _pages(organizer, f"/question-banks/{bank['id']}/questions"):
        sample.answers[question["stem"]] = question
    return str(bank["id"])


def _players(sample: Sample) -> list[Key]:
    taken = {ADMIN, VISITOR, *sample.passwords}
    able = sorted(key for key in sample.slips if key not in taken)
    return random.Random(7).sample(able, PLAYERS)


def _sign_ins(sample: Sample, players: Sequence[Key], done: Callable[[], None]) -> list[Client]:
    def sign_in(who: Key) -> Client:
        client = sample.signed_in(who)
        done()
        return client

    with ThreadPoolExecutor(THREADS) as pool:
        clients = list(pool.map(sign_in, players))
    for who in (VISITOR, _secretary(sample)):
        sample.signed_in(who).close()
    return clients


def _contest(
    sample: Sample, organizer: Client, bank: str, title: str, span: timedelta, tries: int
) -> str:
    now = datetime.now(UTC)
    body = sample.bodies[sample.organization["roles"]["organizer"]["body"]]
    draft = {
        "title": title, "unit_id": sample.companies["group"], "body_id": body,
        "opens_at": now.isoformat(), "closes_at": (now + span).isoformat(),
        "settings": {
            "paper": {"kind": "draw", "bank_id": bank, "count": PAPER}, "tries": tries,
            "limit_s": 900, "branch_kind": "union",
        },
    }  # fmt: skip
    contest = organizer.post("/contests", draft)
    organizer.post(f"/contests/{contest['id']}/publish")
    return str(contest["id"])


def _compete(
    sample: Sample, contest: str, clients: Sequence[Client], done: Callable[[], None]
) -> None:
    """Everybody answers with a skill of their own; a few leave their attempt open."""
    deadline = time.monotonic() + PLAY_S - 5
    chance = random.Random(11)
    plans = [(client, chance.betavariate(5, 2), chance.random() < 0.03) for client in clients]
    seeds = threading.Lock()

    def play(plan: tuple[Client, float, bool]) -> None:
        client, skill, leaves = plan
        if time.monotonic() < deadline:
            with seeds:
                own = random.Random(chance.random())
            _attempt(sample, client, contest, skill, own, leaves)
        client.close()
        done()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(play, plans))


def _attempt(
    sample: Sample, client: Client, contest: str, skill: float, chance: random.Random, leaves: bool
) -> None:
    attempt = client.post(f"/contests/{contest}/attempts")
    answers = [
        {"position": slot["position"], "seq": 1, "answer": _answer(sample, slot, skill, chance)}
        for slot in attempt["paper"]
    ]
    client.put(f"/attempts/{attempt['id']}/answers", {"answers": answers[: PAPER // 2]})
    if not leaves:
        last = {"answers": answers[PAPER // 2 :]}
        client.post(f"/attempts/{attempt['id']}/submit", last)


def _answer(sample: Sample, slot: dict[str, Any], skill: float, chance: random.Random) -> list[str]:
    """The right answer with the probability of the player's skill, else some answer."""
    question = sample.answers[slot["stem"]]
    knows = chance.random() < skill
    if slot["kind"] == "true_false":
        return question["answer"] if knows else [chance.choice(("true", "false"))]
    if slot["kind"] == "fill_in":
        return [part.split(";")[0].strip() if knows else "不知道" for part in question["answer"]]
    labels = {option["text"]: option["label"] for option in slot["options"]}
    right = [question["options"][ord(letter) - 65] for letter in question["answer"]]
    return [labels[text] for text in right] if knows else [chance.choice(list(labels.values()))]


def _settled(organizer: Client, contest: str) -> None:
    deadline = time.monotonic() + PLAY_S + 60
    while organizer.get(f"/contests/{contest}")["phase"] != "released":
        if time.monotonic() > deadline:
            raise Refused("the results did not settle in time")
        time.sleep(1)


def _leave_word(settings: Settings, sample: Sample) -> None:
    """Print sample sign-ins, and keep them where only the owner of the home can read them."""
    roles = sample.organization["roles"]
    people = {
        "employee (hasn't played yet)": VISITOR,
        "organiser (youth league)": (roles["organizer"]["company"], roles["organizer"]["number"]),
        "administrator": ADMIN,
        "secretary of a branch": _secretary(sample),
    }
    lines = ["Sample sign-ins (company, number, password):"]
    for title, who in people.items():
        lines.append(f"  {title:<30} {who[0]}  {who[1]}  {sample.passwords[who]}")
    path = settings.home / "sample-sign-ins.txt"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (settings.home / "seeded").touch()
    print("\n".join(lines))
    print(f"  (kept in {path})")


def _secretary(sample: Sample) -> Key:
    """The first branch's secretary."""
    officer = sample.organization["roles"]["secretaries"][0]
    return officer["company"], officer["number"]


if __name__ == "__main__":
    sys.exit(main())
