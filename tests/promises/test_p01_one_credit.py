"""P1: two parallel submits of one attempt credit once."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.contests.queries import attempts as attempt_queries
from api.core import clock, db
from api.points.models import PointEntry, PointFact, PointRule
from api.points.service import ledger
from tests.factories import Person, World
from tests.promises import guards
from tests.promises.rounds import at_once, rounds
from tests.promises.scene import Quiz, a_quiz

THREADS = 8


def test_p01_parallel_submits_credit_once(world: World) -> None:
    quiz = a_quiz_with_plain_points(world)
    for _round in range(rounds(10, 200)):
        replies = submits_at_once(*started(quiz))
        assert [reply.status_code for reply in replies] == [200] * THREADS
        results = [reply.get_json() for reply in replies]
        result = results[0]
        assert results == [result] * THREADS
        assert result["score"] == result["max_score"]
        assert entries_of(world, result["attempt_id"]) == ["quiz.plain", "quiz.score", "quiz.taken"]


def test_p01_without_its_guards_an_attempt_is_credited_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the test above can see what it promises not to happen."""
    quiz = a_quiz_with_plain_points(world)
    submits_at_once(*started(quiz))  # what a process keeps of a contest is read now, not later
    attempts = [started(quiz) for _round in range(rounds(4, 20))]
    take_the_guards_away(world, monkeypatch)
    twice = 0
    for anna, attempt_id, body in attempts:
        submits_at_once(anna, attempt_id, body)
        twice += entries_of(world, attempt_id).count("quiz.plain") > 1
    assert twice > 0


def a_quiz_with_plain_points(world: World) -> Quiz:
    """Beside the real rules one that no cap and no earlier credit holds back."""
    quiz = a_quiz(world, review="immediate")
    with world.changing() as session:
        session.add(
            PointRule(
                code="quiz.plain", version=1, fact_kind="quiz", title={"en": "Plain"},
                formula={"kind": "fixed", "amount": 1}, improvement=False, caps={}, active=True,
                effective_from=clock.now(), created_at=clock.now(),
            )
        )  # fmt: skip
    return quiz


def started(quiz: Quiz) -> tuple[Person, str, dict[str, Any]]:
    """Somebody with an attempt, and the body of its submit: everything right."""
    anna = quiz.world.a_member()
    attempt = quiz.start(anna)
    return anna, attempt["id"], {"answers": quiz.answers(attempt)}


def submits_at_once(anna: Person, attempt_id: str, body: dict[str, Any]) -> list[TestResponse]:
    return at_once([lambda: anna.post(f"/attempts/{attempt_id}/submit", body)] * THREADS)


def entries_of(world: World, attempt_id: str) -> list[str]:
    """The rules by which an attempt was credited, one for each line of the ledger."""
    statement = (
        sa.select(PointEntry.rule_code)
        .join(PointFact, PointFact.id == PointEntry.fact_id)
        .where(PointFact.reference == f"attempt:{attempt_id}")
        .order_by(PointEntry.rule_code)
    )
    return guards.scalars(world, statement)


def take_the_guards_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the attempt without holding it, write the fact without a unique key."""
    guards.drop_constraint(world, "point_facts", "uq_point_facts_kind_reference")
    guards.let_writers_overlap(monkeypatch)

    held, loose = attempt_queries._MINE_LOCKED, attempt_queries._MINE
    assert held is not loose
    monkeypatch.setattr(attempt_queries, "_MINE_LOCKED", loose)
    guards.look_before_you_write(monkeypatch, attempt_queries, "mine", pause_s=0.03)

    def remember(member_id: str, fact: Any) -> int | None:
        values = {
            "kind": fact.kind, "reference": fact.reference, "member_id": member_id,
            "item": fact.item, "occurred_at": fact.occurred_at, "numbers": dict(fact.values),
        }  # fmt: skip
        return db.connection().scalar(sa.insert(PointFact).values(values).returning(PointFact.id))

    monkeypatch.setattr(ledger, "_remember", remember)
