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
from tests.promises.scene import Quiz, a_quiz, install_points
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
FEW_ROLES = ("employee", "secretary", "auditor", "admin")
# Names under which an answer or its judgement could hide, were it not a canary.
TELLING = ("correct", "explanation", "right", "solution", "keys")
BANK = ("{bank_id}", "{question_id}")


@dataclass
class Scene:
    """A contest, everybody near it, and what their requests' paths may name."""

    quiz: Quiz
    people: dict[str, Person]
    owners: set[str]
    ids: dict[str, str]
    attempts: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.quiz.world


@pytest.mark.parametrize("preset", list(SHOWN))
def test_p19_no_canary_sings_too_early(
    world: World, preset: str, monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    logs.configure("DEBUG")
    scene = a_scene(world, preset)
    heard: set[tuple[str, str, str]] = set()
    for state in STATES:
        to(scene, state)
        for name, person in scene.people.items():
            limits.buckets.clear()
            for operation in reading():
                heard |= listen(scene, name, person, operation, state)
        heard |= act(scene, state)
    expected = {("bank", "GET /questions/{question_id}", state) for state in STATES}
    expected |= {("own", "GET /attempts/{attempt_id}/review", state) for state in SHOWN[preset]}
    assert expected <= heard, "what may be seen is not seen: the canaries prove nothing"
    nothing_elsewhere(world, log.getvalue(), valkey_url)


def reading() -> list[Operation]:
    found = [operation for operation in declared() if operation.method == "GET"]
    assert len(found) > 30
    return found


def a_scene(world: World, preset: str) -> Scene:
    install_points(world)
    quiz = a_quiz(world, QUESTIONS, review=preset, limit_s=600)
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
    roles = (*FEW_ROLES, "organizer", "another body's organizer")
    people = {
        name: world.a_member(unit_id, branches=(branch_id,), grants=held)
        for name, held in grants.items()
        if FULL or name in roles
    }
    scene = Scene(quiz, people, {"organizer", "admin"}, {})
    scene.ids = ids_of(scene, branch_id)
    return scene


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
        "contest_id": quiz.contest_id, "bank_id": quiz.bank_id, "draft_id": draft["id"],
        "question_id": quiz.question_ids[0], "job_id": job["id"], "file_id": file["id"],
        "unit_id": quiz.unit_id, "branch_id": branch_id, "key": "people",
        "member_id": scene.people["employee"].id, "team_id": a_team(scene),
    }  # fmt: skip


def a_team(scene: Scene) -> str:
    admin = scene.people["admin"]
    body = {"kind": "team", "name": "Team", "unit_id": scene.quiz.unit_id}
    return str(admin.post("/teams", body).get_json()["id"])


def to(scene: Scene, state: str) -> None:
    """Bring the contest, and everybody's attempt at it, into a state."""
    quiz = scene.quiz
    if state == "during":
        for name, person in scene.people.items():
            attempt = quiz.start(person)
            answers = [
                {"position": slot["position"], "seq": 1, "answer": wrong(slot)}
                for slot in attempt["paper"]
            ]
            saved = person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})
            assert saved.status_code == 200, saved.get_json()
            scene.attempts[name] = attempt["id"]
    elif state == "submitted":
        for name, person in scene.people.items():
            reply = person.post(f"/attempts/{scene.attempts[name]}/submit", {})
            assert reply.status_code == 200
            scene.world.work_off()
    elif state == "closed":
        closes_at = scene.people["organizer"].get(f"/contests/{quiz.contest_id}").get_json()
        scene.world.stop_clock(datetime.fromisoformat(closes_at["closes_at"]))
        sign_in_anew(scene)
    elif state == "released":
        scene.world.move_clock(hours=1)
        sign_in_anew(scene)
        scene.world.work_off()
        contest = scene.people["organizer"].get(f"/contests/{quiz.contest_id}").get_json()
        assert contest["phase"] == "released"


def wrong(slot: dict[str, Any]) -> list[str]:
    return {"fill_in": ["wrong"], "single": ["A"], "true_false": ["false"]}[slot["kind"]]


def sign_in_anew(scene: Scene) -> None:
    auth.forget()
    scene.people = {name: person.again() for name, person in scene.people.items()}
    scene.quiz.organizer = scene.quiz.organizer.again()


def paths(scene: Scene, name: str, operation: Operation, state: str) -> list[tuple[str, str]]:
    """(whose, path) of every object that an operation may be asked about."""
    ids = dict(scene.ids)
    contest_ids = [ids["draft_id"]] if state == "draft" else [ids["contest_id"]]
    if "{attempt_id}" in operation.path:
        found = [
            ("own" if owner == name else "other", operation.path.format(attempt_id=attempt_id))
            for owner, attempt_id in scene.attempts.items()
        ]
        return found[:3] + [f for f in found[3:] if f[0] == "own" or FULL]
    if "{contest_id}" in operation.path:
        return [("", operation.path.format(contest_id=contest_id)) for contest_id in contest_ids]
    whose = "bank" if any(part in operation.path for part in BANK) else ""
    if "{job_id}" in operation.path or "{file_id}" in operation.path:
        whose = "own" if name == "organizer" else ""
    return [(whose, operation.path.format(**ids))]


def listen(
    scene: Scene, name: str, person: Person, operation: Operation, state: str
) -> set[tuple[str, str, str]]:
    """Ask, and fail for a canary that mayn't sing; returns where one did."""
    heard = set()
    line = f"{operation.method} {operation.path}"
    for whose, path in paths(scene, name, operation, state):
        reply = person.get(path, query_string=query_of(operation, scene))
        text = reply.get_data(as_text=True) + str(reply.headers)
        if any(canary in text for canary in CANARIES):
            allowed = (
                (whose == "bank" and name in scene.owners)
                or (whose == "own" and ("{job_id}" in line or "{file_id}" in line))
                or (whose == "own" and "review" in line and state in SHOWN[preset_of(scene)])
            )
            assert allowed, (state, name, path, text[:2000])
            heard.add((whose, line, state))
        elif whose != "bank" and "openapi" not in path and reply.is_json:
            names = names_in(reply.get_json())
            if "review" not in line:
                assert not names & set(TELLING), (state, name, path)
    return heard


def preset_of(scene: Scene) -> str:
    settings = scene.people["organizer"].get(f"/contests/{scene.quiz.contest_id}").get_json()
    return str(settings["settings"]["review"])


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


def act(scene: Scene, state: str) -> set[tuple[str, str, str]]:
    """Starting, saving (also what is wrong) and submitting tell nothing either."""
    for name, person in scene.people.items():
        replies = [person.post(f"/contests/{scene.quiz.contest_id}/attempts")] if FULL else []
        if name in scene.attempts:
            place = f"/attempts/{scene.attempts[name]}"
            for answer in (["a", "b"], ["Z"], ["maybe"], [KEY], [], ["x" * 501]):
                body = {"answers": [{"position": 1, "seq": 2, "answer": answer}]}
                if answer == [KEY]:
                    continue  # one's own saved answer is no secret
                replies.append(person.put(f"{place}/answers", body))
            if state != "during":
                replies.append(person.post(f"{place}/submit", {}))
        for reply in replies:
            text = reply.get_data(as_text=True)
            assert not any(canary in text for canary in CANARIES), (state, name, text)
    return set()


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
