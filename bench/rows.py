"""The rows of the table: what is asked, in whose name, and the bound of performance.md."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import seed
from bench.calls import Call, call

if TYPE_CHECKING:
    from bench.stand import Stand

WRITES = 800
READS = 1600
BOARD = "/leaderboards/people"
SAVED_BEFORE_SUBMIT = seed.QUESTIONS - 3


class WrongAnswer(Exception):
    """The API didn't answer as a row needs it."""


@dataclass(frozen=True, slots=True)
class Row:
    """`prepare` gives that many calls.  `once`: none of them may be sent twice."""

    name: str
    title: str
    bounds: tuple[float, float] | None
    prepare: "Callable[[Stand, int], list[Call]]"
    once: bool = False
    wanted: int = 200

    @property
    def requests(self) -> int:
        """How many requests a run has."""
        return WRITES if self.once else READS

    def bound(self, database: str) -> float | None:
        """The bound, × bare, if there is one."""
        return self.bounds and self.bounds[0 if database == "sqlite" else 1]


def _people(stand: "Stand", count: int) -> list[str]:
    """`count` of the active people, each as often as the others."""
    active = stand.org.active
    return random.sample(active * (count // len(active) + 1), count)


def save(stand: "Stand", count: int) -> list[Call]:
    """Batches of three answers that each change something, over everybody's running attempt."""
    running = stand.running()
    people = random.sample(sorted(running), min(count, len(running)))
    seq = next(stand.numbers) * 1000
    return [
        call("PUT", f"/attempts/{running[who]}/answers", stand.org.tokens[who], _batch(seq + n))
        for n in range(count)
        for who in [people[n % len(people)]]
    ]


def _batch(seq: int) -> dict[str, Any]:
    positions = random.sample(range(1, seed.QUESTIONS + 1), 3)
    return {"answers": [{"position": p, "seq": seq, "answer": seed.answer(p)} for p in positions]}


def submit(stand: "Stand", count: int) -> list[Call]:
    """Submits with the last three answers, each of an attempt of its own."""
    found: list[Call] = []
    while len(found) < count:
        people = stand.org.active[: count - len(found)]
        found += submits(stand, people)
    return found


def submits(stand: "Stand", people: Sequence[str]) -> list[Call]:
    """One submit for each of `people`, in a contest of its own that nobody is invited to."""
    last = range(SAVED_BEFORE_SUBMIT + 1, seed.QUESTIONS + 1)
    with stand.app.app_context():
        contest = seed.contest(stand.org, f"第{next(stand.numbers)}场")
        ids = seed.attempts(stand.org, contest, people, SAVED_BEFORE_SUBMIT)
    return [
        call("POST", f"/attempts/{attempt}/submit", stand.org.tokens[who],
             {"answers": [{"position": p, "seq": 2, "answer": seed.answer(p)} for p in last]})
        for attempt, who in zip(ids, people, strict=True)
    ]  # fmt: skip


def reading(path: str, **headers: str) -> "Callable[[Stand, int], list[Call]]":
    """GETs of `path` by many people."""

    def prepare(stand: "Stand", count: int) -> list[Call]:
        people = _people(stand, count)
        return [call("GET", path, stand.org.tokens[who], **headers) for who in people]

    return prepare


def unchanged(path: str) -> "Callable[[Stand, int], list[Call]]":
    """GETs of `path` by many people who have its present state already."""

    def prepare(stand: "Stand", count: int) -> list[Call]:
        stand.quiet()
        tags = {who: _tag(stand, path, who) for who in stand.org.active[:200]}
        people = random.choices(list(tags), k=count)
        tokens = stand.org.tokens
        return [call("GET", path, tokens[who], If_None_Match=tags[who]) for who in people]

    return prepare


def _tag(stand: "Stand", path: str, who: str) -> str:
    answer = stand.fetch(call("GET", path, stand.org.tokens[who]))
    if answer.status != 200 or "etag" not in answer.headers:
        raise WrongAnswer(f"GET {path}: {answer.status} {answer.body[:300]!r}, wanted an ETag")
    return answer.headers["etag"]


ROWS = [
    Row("save", "save answers (PUT, 3)", (4.5, 5), save, once=True),
    Row("submit", "submit 20 questions", (8, 8), submit, once=True),
    Row("board", "board page, top 50 + me", (2.5, 2.5), reading(f"{BOARD}?limit=50")),
    Row("board-gzip", "the same, gzip", None,
        reading(f"{BOARD}?limit=50", Accept_Encoding="gzip")),
    Row("board-304", "unchanged board (304)", (1.8, 1.8), unchanged(f"{BOARD}?limit=50"),
        wanted=304),
    Row("around", "my place, around me", (2.2, 2.2), reading(f"{BOARD}?around=me&limit=11")),
    Row("home", "home", (5, 5), reading("/me/home")),
    Row("home-304", "unchanged home (304)", (2.5, 2.5), unchanged("/me/home"), wanted=304),
    Row("ledger", "ledger page", (3, 3.5), reading("/me/points")),
]  # fmt: skip


def named(names: str | None) -> list[Row]:
    """The rows of a comma-separated list, all without one; raises KeyError."""
    if not names:
        return ROWS
    by_name = {row.name: row for row in ROWS}
    return [by_name[name] for name in names.split(",")]
