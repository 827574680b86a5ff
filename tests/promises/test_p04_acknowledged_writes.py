"""P4: an acknowledged write survives kill -9 of the API, and a retried one has one effect."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import sqlalchemy as sa

from api.contests.models import Attempt, QuestionBank
from api.points.models import PointFact
from tests.factories import Person
from tests.promises.rounds import rounds
from tests.promises.scene import Quiz, a_quiz
from tests.promises.system import Answer, System, kill, until

CLIENTS = 6


@dataclass
class Log:
    """What clients were told: each entry was acknowledged with 2xx."""

    banks: list[str] = field(default_factory=list)
    saved: dict[str, int] = field(default_factory=dict)
    submitted: dict[str, Any] = field(default_factory=dict)
    lost: int = 0
    refused: list[Answer] = field(default_factory=list)


def test_p04_every_acknowledged_write_is_there_once(system: System) -> None:
    system.start()
    quiz = a_quiz(system.world, tries=100, review="immediate")
    people = [system.world.a_member() for _client in range(CLIENTS)]
    log, stop = Log(), threading.Event()
    clients = [
        threading.Thread(target=client, args=(system, quiz, person, log, stop)) for person in people
    ]
    for thread in clients:
        thread.start()
    kills(system, rounds(6, 30))
    stop.set()
    for thread in clients:
        thread.join(60)
    assert not log.refused, log.refused[:3]
    assert log.lost > 0, "no request was ever cut off: the kills did nothing"
    assert len(log.submitted) > CLIENTS
    check(system, log)


def kills(system: System, how_many: int) -> None:
    """Kill an API process at random moments; every fourth time gunicorn's master with all."""
    chance = random.Random(4)
    for number in range(how_many):
        time.sleep(chance.uniform(0.1, 0.9))
        if number % 4 == 3:
            system.kill("gunicorn")
            until(lambda: system.status("/api/v1/healthz") == 200)
        else:
            until(system.api_workers)
            kill(chance.choice(sorted(system.api_workers())))


def client(system: System, quiz: Quiz, person: Person, log: Log, stop: threading.Event) -> None:
    """Make a bank, take the quiz, again and again; what breaks is sent again until answered."""
    for number in count():
        if stop.is_set():
            return
        name = f"{person.number}-{number}"
        bank = {"name": name, "unit_id": quiz.unit_id, "body_id": quiz.body_id}
        made = sent(system, quiz.organizer, "POST", "/question-banks", bank, log, name)
        if made:
            log.banks.append(name)
        started = sent(system, person, "POST", f"/contests/{quiz.contest_id}/attempts", None, log)
        if started:
            take(system, quiz, person, started.json, log)


def take(system: System, quiz: Quiz, person: Person, attempt: dict[str, Any], log: Log) -> None:
    place = f"/attempts/{attempt['id']}"
    for seq in (1, 2):
        body = {"answers": quiz.answers(attempt, seq)}
        if sent(system, person, "PUT", f"{place}/answers", body, log):
            log.saved[attempt["id"]] = seq
    submitted = sent(system, person, "POST", f"{place}/submit", {}, log)
    if submitted:
        log.submitted[attempt["id"]] = submitted.json


def sent(
    system: System,
    person: Person,
    method: str,
    path: str,
    body: Any,
    log: Log,
    key: str | None = None,
) -> Answer | None:
    """The 2xx reply of a request that is repeated while there is none at all."""
    headers = {"Idempotency-Key": key} if key else {}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            reply = system.ask(person, method, path, body, **headers)
        except OSError:
            log.lost += 1
            time.sleep(0.05)
            continue
        if not 200 <= reply.status < 300:
            log.refused.append(reply)
            return None
        return reply
    raise AssertionError("no answer within 30 s")


def check(system: System, log: Log) -> None:
    with system.world.looking() as session:
        names = Counter(session.scalars(sa.select(QuestionBank.name)))
        attempts = {row.id: row for row in session.scalars(sa.select(Attempt))}
        facts = Counter(session.scalars(sa.select(PointFact.reference)))
    assert all(names[name] == 1 for name in log.banks)
    assert max(names.values()) == 1, "a retried request made two"
    for attempt_id, seq in log.saved.items():
        kept = attempts[attempt_id].answers
        assert kept
        assert all(saved_seq >= seq for saved_seq, _parts in kept.values())
    for attempt_id, result in log.submitted.items():
        attempt = attempts[attempt_id]
        assert attempt.state == "submitted"
        assert attempt.score_hundredths == result["score"] * 100
        assert facts[f"attempt:{attempt_id}"] == 1
    assert max(facts.values()) == 1
