"""P22: the server's clock decides: at the deadline, at the grace, in any order of arrival."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.core import auth
from tests.factories import Person, World
from tests.promises.scene import Quiz, a_quiz

LIMIT_S, GRACE_S = 600, 5
MS = timedelta(milliseconds=1)
GRACE = timedelta(seconds=GRACE_S)


@pytest.fixture
def quiz(world: World) -> Quiz:
    return a_quiz(world, limit_s=LIMIT_S, grace_s=GRACE_S, review="immediate", tries=3)


@pytest.fixture
def anna(world: World) -> Person:
    return world.a_member()


def at(attempt: dict[str, Any], span: timedelta, person: Person) -> Person:
    """Stop the clock `span` from the attempt's deadline; the person, signed in anew."""
    person.world.stop_clock(datetime.fromisoformat(attempt["deadline_at"]) + span)
    auth.forget()
    return person.again()


def save(person: Person, attempt: dict[str, Any], answers: list[dict[str, Any]]) -> TestResponse:
    return person.put(f"/attempts/{attempt['id']}/answers", {"answers": answers})


def submit(person: Person, attempt: dict[str, Any], answers: list[Any] | None = None) -> Any:
    body = {} if answers is None else {"answers": answers}
    return person.post(f"/attempts/{attempt['id']}/submit", body)


@pytest.mark.parametrize("span", [-MS, 0 * MS, MS, GRACE - MS, GRACE])
def test_p22_answers_are_saved_until_the_grace_is_over(
    quiz: Quiz, anna: Person, span: timedelta
) -> None:
    attempt = quiz.start(anna)
    anna = at(attempt, span, anna)
    reply = save(anna, attempt, quiz.answers(attempt))
    assert reply.status_code == 200, reply.get_json()
    assert reply.get_json()["saved"] == len(attempt["paper"])


@pytest.mark.parametrize("span", [GRACE + MS, timedelta(minutes=20), timedelta(days=40)])
def test_p22_one_millisecond_after_the_grace_nothing_is_saved(
    quiz: Quiz, anna: Person, span: timedelta
) -> None:
    attempt = quiz.start(anna)
    first = quiz.answers(attempt)[:1]
    save(anna, attempt, first)
    anna = at(attempt, span, anna)
    reply = save(anna, attempt, quiz.answers(attempt, seq=2))
    assert (reply.status_code, reply.get_json()["code"]) == (409, "attempt-over")
    kept = anna.get(f"/attempts/{attempt['id']}").get_json()["answers"]
    assert kept == first


@pytest.mark.parametrize(("span", "used_s"), [(-MS, LIMIT_S - 0.001), (0 * MS, 600), (GRACE, 600)])
def test_p22_a_submit_until_the_grace_counts_its_answers(
    quiz: Quiz, anna: Person, span: timedelta, used_s: float
) -> None:
    attempt = quiz.start(anna)
    anna = at(attempt, span, anna)
    result = submit(anna, attempt, quiz.answers(attempt)).get_json()
    assert (result["state"], result["closed_by"]) == ("submitted", "member")
    assert result["score"] == result["max_score"]
    assert result["used_s"] == pytest.approx(used_s, abs=0.0011)


def test_p22_a_submit_after_the_grace_gives_what_was_saved_in_time(
    quiz: Quiz, anna: Person
) -> None:
    attempt = quiz.start(anna)
    save(anna, attempt, quiz.answers(attempt)[:2])
    anna = at(attempt, GRACE + MS, anna)
    reply = submit(anna, attempt, quiz.answers(attempt, seq=2))
    result = reply.get_json()
    assert reply.status_code == 200
    assert (result["state"], result["closed_by"], result["score"]) == ("closed", "deadline", 10)
    assert result["submitted_at"] == attempt["deadline_at"]
    assert submit(anna, attempt, quiz.answers(attempt, seq=3)).get_json() == result


def test_p22_the_schedule_closes_as_of_the_deadline(quiz: Quiz, anna: Person, world: World) -> None:
    attempt = quiz.start(anna)
    save(anna, attempt, quiz.answers(attempt)[:2])
    anna = at(attempt, GRACE, anna)
    world.work_off()
    assert anna.get(f"/attempts/{attempt['id']}").get_json()["state"] == "running"
    anna = at(attempt, timedelta(minutes=15), anna)
    world.work_off()
    closed = anna.get(f"/attempts/{attempt['id']}").get_json()
    assert closed["state"] == "closed"
    result = submit(anna, attempt, quiz.answers(attempt, seq=9)).get_json()
    assert (result["closed_by"], result["score"]) == ("deadline", 10)
    assert result["submitted_at"] == attempt["deadline_at"]


def test_p22_an_older_save_never_overwrites_a_newer_one(quiz: Quiz, anna: Person) -> None:
    attempt = quiz.start(anna)
    position = next(s["position"] for s in attempt["paper"] if s["kind"] == "true_false")
    for seq, answer in [(5, "true"), (4, "false"), (5, "false"), (0, "false")]:
        one = {"position": position, "seq": seq, "answer": [answer]}
        assert save(anna, attempt, [one]).status_code == 200
    [kept] = anna.get(f"/attempts/{attempt['id']}").get_json()["answers"]
    assert kept == {"position": position, "seq": 5, "answer": ["true"]}
    late_retry = {"position": position, "seq": 3, "answer": ["false"]}
    assert submit(anna, attempt, [late_retry]).get_json()["score"] == 5


def test_p22_nothing_changes_after_the_submit(quiz: Quiz, anna: Person) -> None:
    attempt = quiz.start(anna)
    result = submit(anna, attempt, quiz.answers(attempt)[:1]).get_json()
    reply = save(anna, attempt, quiz.answers(attempt, seq=2))
    assert (reply.status_code, reply.get_json()["code"]) == (409, "already-submitted")
    again = submit(anna, attempt, quiz.answers(attempt, seq=2)).get_json()
    assert again == result
    assert again["score"] == 5


@pytest.mark.parametrize(("span", "opens"), [(-MS, False), (0 * MS, True)])
def test_p22_a_contest_opens_at_its_instant(
    quiz: Quiz, anna: Person, world: World, span: timedelta, opens: bool
) -> None:
    contest = anna.get(f"/contests/{quiz.contest_id}").get_json()
    world.stop_clock(datetime.fromisoformat(contest["opens_at"]) + span)
    auth.forget()
    reply = anna.again().post(f"/contests/{quiz.contest_id}/attempts")
    assert reply.status_code == (201 if opens else 409), reply.get_json()


@pytest.mark.parametrize(("span", "open_still"), [(-MS, True), (0 * MS, False)])
def test_p22_a_contest_closes_at_its_instant(
    quiz: Quiz, anna: Person, world: World, span: timedelta, open_still: bool
) -> None:
    contest = anna.get(f"/contests/{quiz.contest_id}").get_json()
    closes_at = datetime.fromisoformat(contest["closes_at"])
    world.stop_clock(closes_at + span)
    auth.forget()
    reply = anna.again().post(f"/contests/{quiz.contest_id}/attempts")
    assert reply.status_code == (201 if open_still else 409), reply.get_json()
    if open_still:
        # However long the limit: no attempt outlives its contest.
        assert reply.get_json()["deadline_at"] == contest["closes_at"]
        assert reply.get_json()["remaining_s"] == 0
