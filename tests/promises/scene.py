"""A contest to try promises on: a bank, its questions and answers, people who take part."""

from dataclasses import dataclass, field
from datetime import timedelta
from string import ascii_uppercase
from typing import Any

from api.app import install_presets
from api.core import auth, clock
from api.core.auth import Grant
from tests.factories import Person, World

QUESTIONS: list[dict[str, Any]] = [
    {
        "kind": "single",
        "stem": "Which number is even?",
        "options": ["one", "two", "three"],
        "answer": ["B"],
    },
    {
        "kind": "multiple",
        "stem": "Which numbers are odd?",
        "options": ["one", "two", "three"],
        "answer": ["A", "C"],
    },
    {"kind": "true_false", "stem": "Two is a prime.", "options": [], "answer": ["true"]},
    {"kind": "fill_in", "stem": "A day has __ hours.", "options": [], "answer": ["24;twenty-four"]},
]


@dataclass
class Quiz:
    """A contest with its organiser; `keys` holds what is right by stem, as texts."""

    world: World
    organizer: Person
    body_id: str
    unit_id: str
    bank_id: str = ""
    contest_id: str = ""
    question_ids: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def add_questions(self, questions: list[dict[str, Any]]) -> None:
        for question in questions:
            made = self.organizer.post(f"/question-banks/{self.bank_id}/questions", question)
            assert made.status_code == 201, made.get_json()
            self.question_ids.append(made.get_json()["id"])
            self.keys[question["stem"]] = _right_texts(question)

    def draft(self, **settings: Any) -> dict[str, Any]:
        """The body of a contest that is open from a minute ago for an hour."""
        opens_at = clock.now() - timedelta(minutes=1)
        return {
            "title": "Safety Month",
            "unit_id": self.unit_id,
            "body_id": self.body_id,
            "opens_at": opens_at.isoformat(),
            "closes_at": (opens_at + timedelta(hours=1)).isoformat(),
            "settings": {
                "paper": {"kind": "fixed", "question_ids": self.question_ids},
                "limit_s": 600,
                **settings,
            },
        }

    def answers(self, attempt: dict[str, Any], seq: int = 1) -> list[dict[str, Any]]:
        """All right answers to an attempt's paper."""
        return [
            {"position": slot["position"], "seq": seq, "answer": self.right(slot)}
            for slot in attempt["paper"]
        ]

    def right(self, slot: dict[str, Any]) -> list[str]:
        """The right answer to a question as it is shown."""
        texts = self.keys[slot["stem"]]
        if slot["options"]:
            return [option["label"] for option in slot["options"] if option["text"] in texts]
        return texts

    def start(self, person: Person) -> dict[str, Any]:
        reply = person.post(f"/contests/{self.contest_id}/attempts")
        assert reply.status_code == 201, reply.get_json()
        started: dict[str, Any] = reply.get_json()
        return started


def _right_texts(question: dict[str, Any]) -> list[str]:
    if question.get("options"):
        return [question["options"][ascii_uppercase.index(a)] for a in question["answer"]]
    return [answer.partition(";")[0] for answer in question["answer"]]


def a_bank(world: World, questions: list[dict[str, Any]] | None = None) -> Quiz:
    """An organiser's bank with questions in it, and no contest yet."""
    unit_id = world.the_company()
    body_id = world.a_body(unit_id)
    quiz = Quiz(world, world.an_organizer(unit_id, body_id), body_id, unit_id)
    bank = quiz.organizer.post(
        "/question-banks", {"name": "Bank", "unit_id": unit_id, "body_id": body_id}
    )
    assert bank.status_code == 201, bank.get_json()
    quiz.bank_id = bank.get_json()["id"]
    quiz.add_questions(QUESTIONS if questions is None else questions)
    return quiz


def a_quiz(world: World, questions: list[dict[str, Any]] | None = None, **settings: Any) -> Quiz:
    """A published contest, open now, whose paper is all questions; points are credited."""
    quiz = a_bank(world, questions)
    install_points(world)
    made = quiz.organizer.post("/contests", quiz.draft(**settings))
    assert made.status_code == 201, made.get_json()
    quiz.contest_id = made.get_json()["id"]
    published = quiz.organizer.post(f"/contests/{quiz.contest_id}/publish")
    assert published.status_code == 200, published.get_json()
    return quiz


def install_points(world: World) -> None:
    """The rules and badges of a fresh installation."""
    if "points" not in world.made:
        install_presets(world.app)
        world.made["points"] = True


def pass_time(world: World, *people: Person, **span: float) -> list[Person]:
    """Move the clock; returns the people signed in anew."""
    world.move_clock(**span)
    auth.forget()
    return [person.again() for person in people]


def an_auditor(world: World) -> Person:
    return world.a_member(grants=(Grant("auditor"),))
