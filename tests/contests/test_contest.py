"""A contest from import to results, over HTTP."""

from datetime import timedelta
from io import BytesIO
from string import ascii_uppercase
from typing import Any

import sqlalchemy as sa

from api.badges import service as badges
from api.contests.models import QuestionVersion
from api.core import auth, clock
from api.points.service import rules
from tests.contests.test_formats import TEXT
from tests.factories import Person, World


def a_bank(world: World, organizer: Person, text: str = TEXT) -> str:
    """A bank with the questions of `text`, imported."""
    body = {"name": "Bank", "unit_id": world.the_company(), "body_id": world.made["body"]}
    bank = organizer.post("/question-banks", body).get_json()
    job = organizer.request(
        "POST",
        f"/question-banks/{bank['id']}/imports",
        data={"file": (BytesIO(text.encode()), "q.txt")},
        content_type="multipart/form-data",
    )
    assert job.status_code == 202, job.get_json()
    world.work_off()
    done = organizer.get(f"/jobs/{job.get_json()['id']}").get_json()
    assert done["state"] == "done", done
    return str(bank["id"])


def an_organizer(world: World) -> Person:
    world.made.setdefault("body", world.a_body())
    return world.an_organizer(world.the_company(), world.made["body"])


def a_contest(world: World, organizer: Person, **settings: Any) -> str:
    """A published contest that draws three questions and is open for an hour."""
    bank_id = a_bank(world, organizer)
    with world.app.app_context():
        now = clock.now()
    draft = {
        "title": "Safety Month",
        "unit_id": world.the_company(),
        "body_id": world.made["body"],
        "opens_at": (now - timedelta(minutes=1)).isoformat(),
        "closes_at": (now + timedelta(hours=1)).isoformat(),
        "settings": {
            "paper": {"kind": "draw", "bank_id": bank_id, "count": 3},
            "limit_s": 600,
            **settings,
        },
    }
    contest = organizer.post("/contests", draft)
    assert contest.status_code == 201, contest.get_json()
    published = organizer.post(f"/contests/{contest.get_json()['id']}/publish")
    assert published.status_code == 200, published.get_json()
    return str(contest.get_json()["id"])


def test_a_contest_runs_from_import_to_results(world: World) -> None:
    with world.changing():
        badges.install_presets()
        rules.install_presets()
    organizer = an_organizer(world)
    branch = world.a_branch(kind="union")
    anna, ben = world.a_member(branches=(branch,)), world.a_member(branches=(branch,))
    contest = a_contest(world, organizer, tries=2, review="immediate")
    home = anna.get("/me/home").get_json()
    assert [c["id"] for c in home["contests"]] == [contest]

    attempt = anna.post(f"/contests/{contest}/attempts").get_json()
    assert len(attempt["paper"]) == 3
    again = anna.post(f"/contests/{contest}/attempts").get_json()
    assert again["id"] == attempt["id"]
    answers = [answer(slot, world) for slot in attempt["paper"]]
    saved = anna.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})
    assert saved.status_code == 200, saved.get_json()
    assert saved.get_json()["saved"] == 3
    result = anna.post(f"/attempts/{attempt['id']}/submit", {}).get_json()
    assert result["score"] == result["max_score"] == 15
    assert {p["rule"]: p["amount"] for p in result["points"]} == {
        "quiz.taken": 5,
        "quiz.score": 20,
    }
    assert anna.post(f"/attempts/{attempt['id']}/submit", {}).get_json() == result
    review = anna.get(f"/attempts/{attempt['id']}/review").get_json()
    assert all(item["correct"] for item in review["items"])

    other = ben.post(f"/contests/{contest}/attempts").get_json()
    assert ben.post(f"/attempts/{other['id']}/submit", {}).get_json()["score"] == 0
    world.work_off()

    board = anna.get("/leaderboards/people").get_json()
    assert board["source"] == "valkey"
    assert [(row["rank"], row["points"]) for row in board["items"]] == [(1, 25), (2, 5)]
    assert board["me"]["rank"] == 1
    explained = anna.get("/leaderboards/people/explain").get_json()
    assert explained["points"] == 25
    league = anna.get("/leaderboards/branches-union").get_json()
    assert league["items"][0]["small"] is True
    codes = {b["code"] for b in anna.get("/me/badges").get_json()["items"]}
    assert codes == {"first_contest", "full_marks"}
    statistics = organizer.get(f"/contests/{contest}/statistics").get_json()
    assert statistics["branches"][0]["participants"] == 2

    assert anna.get(f"/contests/{contest}/results").status_code == 409
    world.move_clock(hours=2)
    auth.forget()
    anna, ben = anna.again(), ben.again()
    world.work_off()
    results = anna.get(f"/contests/{contest}/results").get_json()
    assert [(row["rank"], row["score"]) for row in results["items"]] == [(1, 15), (2, 0)]
    assert results["items"][1]["tie_break"]["rule"] == "score"
    branches = anna.get(f"/contests/{contest}/branch-results").get_json()
    assert branches["items"][0]["participants"] == 2
    codes = {b["code"] for b in anna.get("/me/badges").get_json()["items"]}
    assert "top_ten" in codes


def answer(slot: dict[str, Any], world: World) -> dict[str, Any]:
    """The right answer to a slot, found in the database by its stem."""
    with world.looking() as session:
        row = session.scalars(
            sa.select(QuestionVersion).where(QuestionVersion.stem == slot["stem"])
        ).one()
        if row.kind in ("single", "multiple"):
            texts = [row.options[index] for index in row.key]
            parts = [
                ascii_uppercase[i]
                for i, option in enumerate(slot["options"])
                if option["text"] in texts
            ]
        elif row.kind == "true_false":
            parts = row.key
        else:
            parts = [accepted[0] for accepted in row.key]
    return {"position": slot["position"], "seq": 1, "answer": parts}


def test_a_pause_stops_the_clock_and_gives_the_time_back(world: World) -> None:
    organizer = an_organizer(world)
    contest = a_contest(world, organizer)
    person = world.a_member()
    attempt = person.post(f"/contests/{contest}/attempts").get_json()
    assert organizer.post(f"/contests/{contest}/pause").status_code == 200
    assert _save(person, attempt).get_json()["code"] == "contest-paused"
    world.move_clock(minutes=30)
    organizer, person = organizer.again(), person.again()
    world.work_off()
    assert person.get(f"/attempts/{attempt['id']}").get_json()["state"] == "running"
    assert organizer.post(f"/contests/{contest}/resume").status_code == 200
    assert _save(person, attempt).status_code == 200
    left = person.get(f"/attempts/{attempt['id']}").get_json()["remaining_s"]
    assert 590 <= left <= 600


def test_a_cancelled_contest_takes_nothing_and_gives_nothing(world: World) -> None:
    with world.changing():
        rules.install_presets()
    organizer = an_organizer(world)
    contest = a_contest(world, organizer)
    person = world.a_member()
    attempt = person.post(f"/contests/{contest}/attempts").get_json()
    organizer.post(f"/contests/{contest}/cancel")
    assert _save(person, attempt).get_json()["code"] == "contest-not-open"
    world.move_clock(hours=2)
    person = person.again()
    world.work_off()
    assert person.get(f"/attempts/{attempt['id']}").get_json()["state"] == "closed"
    assert person.get("/me/points").get_json()["balance"] == 0


def test_extending_gives_attempts_that_the_close_cut_short_their_time(world: World) -> None:
    organizer = an_organizer(world)
    contest = a_contest(world, organizer, limit_s=7200)
    person = world.a_member()
    before = person.post(f"/contests/{contest}/attempts").get_json()
    with world.app.app_context():
        later = (clock.now() + timedelta(hours=5)).isoformat()
    assert organizer.post(f"/contests/{contest}/extend", {"closes_at": later}).status_code == 200
    after = person.get(f"/attempts/{before['id']}").get_json()
    assert before["remaining_s"] < 3600 <= after["remaining_s"] <= 7200


def _save(person: Person, attempt: dict[str, Any]) -> Any:
    answers = [{"position": 1, "seq": 1, "answer": []}]
    return person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})
