"""P19: no answer, and no hint of one, before it may be seen.

Canaries stand in the keys and explanations of a contest's questions.  Every GET of the route
table is asked as every role in every state of the contest, and no reply, log, event, job or key in
Valkey holds one, but for the organiser's bank and the review that the contest's rule allows.
"""

import io
import sys
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from api.core import auth, limits, logs
from api.core.audit import AuditLine
from api.core.auth import ROLES, Grant
from api.core.events import OutboxRow
from api.core.http import Operation
from api.core.jobs import Job
from tests.factories import Person, World
from tests.promises.place import text_file
from tests.promises.rounds import FULL
from tests.promises.scene import Quiz, a_bank, install_points
from tests.promises.tables import declared

KEY, WHY, ROW = "CanaryKey", "CanaryExplanation", "CanaryRow"
CANARIES = (KEY, WHY, ROW)
QUESTIONS: list[dict[str, Any]] = [
    {"kind": "fill_in", "stem": "Say __.", "answer": [f"{KEY}1;{KEY}2"], "explanation": f"{WHY}1"},
    {
        "kind": "single", "stem": "Which?", "options": ["x", "y"], "answer": ["B"],
        "explanation": f"{WHY}2",
    },
    {"kind": "true_false", "stem": "Is it?", "answer": ["true"], "explanation": f"{WHY}3"},
]  # fmt: skip
STATES = ("draft", "during", "submitted", "closed", "released")
# Preset → the states in which one's own review shows keys and explanations.
SHOWN = {
    "nothing": (),
    "score_only": (),
    "after_close": ("closed", "released"),
    "immediate": ("submitted", "closed", "released"),
}
NEVER = {"nothing", "score_only"}
OWNERS = ("organizer", "admin")
FEW = ("employee", "secretary", "auditor", "admin", "organizer", "another body's organizer")
# Names under which an answer or its judgement could hide, were it not a canary.
TELLING = {"correct", "explanation", "right", "solution", "keys", "mark"}
REVIEW = "GET /attempts/{attempt_id}/review"
DOCUMENT = "GET /openapi.json"
BANK = ("{bank_id}", "{question_id}")


@dataclass
class Scene:
    """Contests, one for each review rule; everybody near them; what paths may name."""

    quiz: Quiz
    people: dict[str, Person]
    contests: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    attempts: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.quiz.world


@dataclass(frozen=True)
class Target:
    """One path to ask for: `whose` is "own", "other", "bank" or ""; `preset` a contest's rule."""

    path: str
    whose: str = ""
    preset: str = ""


Heard = set[tuple[str, str, str]]


def test_p19_no_canary_sings_too_early(
    world: World, monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    logs.configure("DEBUG")
    scene = a_scene(world)
    heard: Heard = set()
    for state in STATES:
        to(scene, state)
        for name, person in scene.people.items():
            limits.buckets.clear()
            for operation in reading():
                heard |= listen(scene, name, person, operation, state)
        act(scene, state)
    expected = {("bank", "GET /questions/{question_id}", state) for state in STATES}
    expected |= {(preset, REVIEW, state) for preset, states in SHOWN.items() for state in states}
    assert expected <= heard, "what may be seen is not seen: the canaries prove nothing"
    assert {preset for preset, line, _state in heard if line == REVIEW} == set(SHOWN) - NEVER
    nothing_elsewhere(world, log.getvalue(), valkey_url)


def reading() -> list[Operation]:
    found = [operation for operation in declared() if operation.method == "GET"]
    assert len(found) > 30
    return found


def a_scene(world: World) -> Scene:
    install_points(world)
    quiz = a_bank(world, QUESTIONS)
    unit_id = quiz.unit_id
    branch_id = world.a_branch(unit_id, "union")
    other_body = world.a_body(unit_id)
    grants = {
        "employee": (),
        "secretary": (Grant("secretary", None, None, branch_id),),
        "representative": (Grant("representative", None, None, branch_id),),
        **{r: (Grant(r, unit_id),) for r in ("auditor", "admin", "arbiter")},
        **{r: (Grant(r, unit_id, quiz.body_id),) for r in ("judge", "reviewer", "committee")},
        "organizer": (Grant("organizer", unit_id, quiz.body_id),),
        "another body's organizer": (Grant("organizer", unit_id, other_body),),
    }
    assert set(ROLES) <= set(grants)
    people = {
        name: world.a_member(unit_id, branches=(branch_id,), grants=held)
        for name, held in grants.items()
        if FULL or name in FEW
    }
    scene = Scene(quiz, people)
    scene.contests = {preset: a_contest(scene, preset) for preset in SHOWN}
    scene.ids = ids_of(scene, branch_id)
    return scene


def a_contest(scene: Scene, preset: str) -> str:
    organizer = scene.people["organizer"]
    draft = scene.quiz.draft(review=preset)
    contest_id = organizer.post("/contests", draft).get_json()["id"]
    assert organizer.post(f"/contests/{contest_id}/publish").status_code == 200
    return str(contest_id)


def ids_of(scene: Scene, branch_id: str) -> dict[str, str]:
    """What the placeholders of paths stand for; of an import too, whose one row is wrong."""
    quiz, world = scene.quiz, scene.world
    organizer = scene.people["organizer"]
    text = f"Which?\nA. x\nB. y\n答案：{ROW}"
    place = f"/question-banks/{quiz.bank_id}/imports"
    job = organizer.request("POST", place, **text_file(text)).get_json()
    file = organizer.request("POST", "/files", **text_file(f"{KEY} {ROW}")).get_json()
    world.work_off()
    done = organizer.get(f"/jobs/{job['id']}").get_json()
    assert ROW in str(done["errors"]), "the importer isn't told what was wrong"
    draft = organizer.post("/contests", quiz.draft(review="immediate")).get_json()
    return {
        "bank_id": quiz.bank_id, "draft_id": draft["id"], "question_id": quiz.question_ids[0],
        "job_id": job["id"], "file_id": file["id"], "unit_id": quiz.unit_id,
        "branch_id": branch_id, "key": "people", "member_id": scene.people["employee"].id,
        "team_id": a_team(scene),
    }  # fmt: skip


def a_team(scene: Scene) -> str:
    admin = scene.people["admin"]
    body = {"kind": "team", "name": "Team", "unit_id": scene.quiz.unit_id}
    return str(admin.post("/teams", body).get_json()["id"])


def to(scene: Scene, state: str) -> None:
    """Bring the contests, and everybody's attempts at them, into a state."""
    if state == "during":
        for preset, contest_id in scene.contests.items():
            scene.quiz.contest_id = contest_id
            for name, person in scene.people.items():
                scene.attempts[preset, name] = begun(scene.quiz, person)
    elif state == "submitted":
        for (_preset, name), attempt_id in scene.attempts.items():
            reply = scene.people[name].post(f"/attempts/{attempt_id}/submit", {})
            assert reply.status_code == 200
        scene.world.work_off()
    elif state == "closed":
        contest = scene.people["organizer"].get(f"/contests/{scene.quiz.contest_id}").get_json()
        scene.world.stop_clock(datetime.fromisoformat(contest["closes_at"]))
        sign_in_anew(scene)
    elif state == "released":
        scene.world.move_clock(hours=1)
        sign_in_anew(scene)
        scene.world.work_off()
        contest = scene.people["organizer"].get(f"/contests/{scene.quiz.contest_id}").get_json()
        assert contest["phase"] == "released"


def begun(quiz: Quiz, person: Person) -> str:
    """An attempt with wrong answers saved; its id."""
    attempt = quiz.start(person)
    answers = [
        {"position": slot["position"], "seq": 1, "answer": wrong(slot)} for slot in attempt["paper"]
    ]
    saved = person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})
    assert saved.status_code == 200, saved.get_json()
    return str(attempt["id"])


def wrong(slot: dict[str, Any]) -> list[str]:
    return {"fill_in": ["wrong"], "single": ["A"], "true_false": ["false"]}[slot["kind"]]


def sign_in_anew(scene: Scene) -> None:
    auth.forget()
    scene.people = {name: person.again() for name, person in scene.people.items()}
    scene.quiz.organizer = scene.quiz.organizer.again()


def targets(scene: Scene, name: str, operation: Operation, state: str) -> list[Target]:
    """Every object that an operation may be asked about."""
    path, ids = operation.path, scene.ids
    if "{attempt_id}" in path:
        neighbour = next(other for other in scene.people if other != name)
        return [
            Target(path.format(attempt_id=attempt_id), "own" if owner == name else "other", preset)
            for (preset, owner), attempt_id in scene.attempts.items()
            if FULL or owner in (name, neighbour)
        ]
    if "{contest_id}" in path:
        if state == "draft":
            return [Target(path.format(contest_id=ids["draft_id"]))]
        return [
            Target(path.format(contest_id=contest_id), "", preset)
            for preset, contest_id in scene.contests.items()
        ]
    whose = "bank" if any(part in path for part in BANK) else ""
    if "{job_id}" in path or "{file_id}" in path:
        whose = "own" if name == "organizer" else "other"
    return [Target(path.format(**ids), whose)]


def listen(scene: Scene, name: str, person: Person, operation: Operation, state: str) -> Heard:
    """Ask, and fail for a canary that mayn't sing; returns where one did."""
    heard: Heard = set()
    line = f"{operation.method} {operation.path}"
    for target in targets(scene, name, operation, state):
        reply = person.get(target.path, query_string=query_of(operation, scene))
        text = reply.get_data(as_text=True) + str(reply.headers)
        if any(canary in text for canary in CANARIES):
            assert allowed(target, name, line, state), (state, name, target, text[:2000])
            heard.add((target.preset or target.whose, line, state))
        elif reply.is_json and target.whose != "bank" and line not in (REVIEW, DOCUMENT):
            assert not names_in(reply.get_json()) & TELLING, (state, name, target)
    return heard


def allowed(target: Target, name: str, line: str, state: str) -> bool:
    """Whether an answer may be read there: by the bank's owners, by whoever gave the file, and
    in one's own review when the contest's rule says so."""
    if target.whose == "bank":
        return name in OWNERS
    if target.whose != "own":
        return False
    return line != REVIEW or state in SHOWN[target.preset]


def query_of(operation: Operation, scene: Scene) -> dict[str, str]:
    if operation.path == "/memberships":
        return {"branch_id": scene.ids["branch_id"]}
    if operation.path.endswith("/export"):
        return {"format": "csv"}
    return {}


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names_in(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(names_in(part) for part in value))
    return set()


def act(scene: Scene, state: str) -> None:
    """Starting, saving (also what is wrong) and submitting tell nothing either."""
    for (preset, name), attempt_id in scene.attempts.items():
        person, place = scene.people[name], f"/attempts/{attempt_id}"
        replies = [person.post(f"/contests/{scene.contests[preset]}/attempts")]
        for answer in (["a", "b"], ["Z"], [], ["x" * 501]):
            body = {"answers": [{"position": 1, "seq": 2, "answer": answer}]}
            replies.append(person.put(f"{place}/answers", body))
        if state not in ("draft", "during"):
            replies.append(person.post(f"{place}/submit", {}))
        for reply in replies:
            text = reply.get_data(as_text=True)
            assert not any(canary in text for canary in CANARIES), (state, name, text)


def nothing_elsewhere(world: World, log: str, valkey_url: str) -> None:
    """No canary in logs, events, audit lines, arguments of jobs, or anywhere in Valkey."""
    assert not any(canary in log for canary in CANARIES)
    with world.looking() as session:
        for column in (OutboxRow.payload, AuditLine.target, AuditLine.details, Job.args):
            held = str(list(session.scalars(sa.select(column))))
            assert not any(canary in held for canary in CANARIES), column
    connection = redis.Redis.from_url(valkey_url)
    for name in connection.scan_iter():
        held = name + (connection.dump(name) or b"")
        assert not any(canary.encode() in held for canary in CANARIES), name
    connection.close()
