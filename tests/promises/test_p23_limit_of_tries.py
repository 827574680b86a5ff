"""P23: the limit of tries holds under parallel starts."""

from collections import Counter

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.contests.models import Attempt
from api.contests.queries import attempts as attempt_queries
from api.contests.queries import contests as contest_queries
from tests.factories import Person, World
from tests.promises import guards
from tests.promises.rounds import at_once, rounds
from tests.promises.scene import Quiz, a_quiz

THREADS = 20


def test_p23_parallel_starts_make_one_attempt(world: World) -> None:
    quiz = a_quiz(world, tries=1)
    for _round in range(rounds(3, 50)):
        anna = world.a_member()
        replies = starts_at_once(quiz, anna)
        assert {reply.status_code for reply in replies} == {201}
        assert len({reply.get_json()["id"] for reply in replies}) == 1
        assert attempts_of(world, anna) == [1]
        one_more_is_refused(quiz, anna, replies[0].get_json()["id"])


def test_p23_parallel_starts_after_a_try_make_the_next_one_only(world: World) -> None:
    quiz = a_quiz(world, tries=2)
    for _round in range(rounds(2, 20)):
        anna = world.a_member()
        first = quiz.start(anna)
        anna.post(f"/attempts/{first['id']}/submit", {})
        replies = starts_at_once(quiz, anna)
        assert len({reply.get_json()["id"] for reply in replies}) == 1
        assert attempts_of(world, anna) == [1, 2]
        one_more_is_refused(quiz, anna, replies[0].get_json()["id"])


def test_p23_starts_and_submits_mixed_never_pass_the_limit(world: World) -> None:
    quiz = a_quiz(world, tries=3)
    for _round in range(rounds(2, 20)):
        anna = world.a_member()

        def start_and_submit(anna: Person = anna) -> list[int]:
            reply = anna.post(f"/contests/{quiz.contest_id}/attempts")
            if reply.status_code == 409:
                return [409]
            submitted = anna.post(f"/attempts/{reply.get_json()['id']}/submit", {})
            return [reply.status_code, submitted.status_code]

        seen = Counter(code for codes in at_once([start_and_submit] * 12) for code in codes)
        assert set(seen) <= {200, 201, 409}
        assert len(attempts_of(world, anna)) <= 3


def test_p23_without_its_constraints_there_are_several_attempts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    quiz = a_quiz(world, tries=1)
    starts_at_once(quiz, world.a_member())
    guards.drop_index(world, "uq_attempts_running")
    guards.drop_constraint(world, "attempts", "uq_attempts_contest_id_member_id_number")
    guards.let_writers_overlap(monkeypatch)
    guards.look_before_you_write(monkeypatch, contest_queries, "for_member")
    guards.look_before_you_write(monkeypatch, attempt_queries, "of_member", pause_s=0.05)
    several = 0
    for _round in range(rounds(3, 20)):
        anna = world.a_member()
        starts_at_once(quiz, anna, threads=6)  # each holds two connections of the pool
        several += len(attempts_of(world, anna)) > 1
    assert several > 0


def starts_at_once(quiz: Quiz, person: Person, threads: int = THREADS) -> list[TestResponse]:
    return at_once([lambda: person.post(f"/contests/{quiz.contest_id}/attempts")] * threads)


def one_more_is_refused(quiz: Quiz, person: Person, attempt_id: str) -> None:
    assert person.post(f"/attempts/{attempt_id}/submit", {}).status_code == 200
    refused = person.post(f"/contests/{quiz.contest_id}/attempts")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no-tries-left")


def attempts_of(world: World, person: Person) -> list[int]:
    statement = sa.select(Attempt.number).where(Attempt.member_id == person.id)
    return guards.scalars(world, statement.order_by(Attempt.number))
