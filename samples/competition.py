"""Employees of the sample compete, each with a skill of their own."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.client import Client, Refused
from samples.organisation import HERE, Key, Sample, pages

THREADS = 6
PAPER = 20


def organizer(sample: Sample) -> Client:
    who = sample.organization["roles"]["organizer"]
    return sample.signed_in((who["company"], who["number"]))


def bank(sample: Sample, organizer: Client) -> str:
    body = sample.bodies[sample.organization["roles"]["organizer"]["body"]]
    bank = organizer.post(
        "/question-banks",
        {"name": "安全与能源题库", "unit_id": sample.companies["group"], "body_id": body},
    )
    content = (HERE / "safety_and_energy.txt").read_bytes()
    path = f"/question-banks/{bank['id']}/imports"
    organizer.finished(organizer.upload(path, "safety_and_energy.txt", content))
    for question in pages(organizer, f"/question-banks/{bank['id']}/questions"):
        sample.answers[question["stem"]] = question
    return str(bank["id"])


def sign_ins(sample: Sample, players: Sequence[Key], done: Callable[[], None]) -> list[Client]:
    def sign_in(who: Key) -> Client:
        client = sample.signed_in(who)
        done()
        return client

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(sign_in, players))


def contest(
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


def compete(
    sample: Sample,
    contest_id: str,
    clients: Sequence[Client],
    done: Callable[[], None],
    within_s: float,
) -> None:
    """Everybody answers with a skill of their own; a few leave their attempt open."""
    deadline = time.monotonic() + within_s
    chance = random.Random(11)
    plans = [(client, chance.betavariate(5, 2), chance.random() < 0.03) for client in clients]
    seeds = threading.Lock()

    def play(plan: tuple[Client, float, bool]) -> None:
        client, skill, leaves = plan
        if time.monotonic() < deadline:
            with seeds:
                own = random.Random(chance.random())
            _attempt(sample, client, contest_id, skill, own, leaves)
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


def settled(organizer: Client, contest_id: str, within_s: float) -> None:
    """Wait until a contest's results are released."""
    deadline = time.monotonic() + within_s
    while organizer.get(f"/contests/{contest_id}")["phase"] != "released":
        if time.monotonic() > deadline:
            raise Refused("the results did not settle in time")
        time.sleep(1)
