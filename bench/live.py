"""What only shows while things happen at once: boards that follow, reads and writes beside work."""

import http.client
import threading
import time
from collections.abc import Callable, Sequence

import orjson

from bench import load, rows, still
from bench.calls import Call, call
from bench.load import RequestsFailed
from bench.readings import Reading
from bench.stand import Stand

SUBMITS_A_SECOND = 50
SAVES_A_SECOND = 100
# As long as the drain is to be kept at work, and what keeps it so.
BACKLOG_S = 5
BACKLOG = 30_000
# Of the submits this share is followed until the board shows it; the others are only load.
FOLLOWED = 5
FOLLOWERS = 16
LOOK_EVERY_S = 0.02
PATIENCE_S = 20.0


class Follower(threading.Thread):
    """Submits what it is given at its time and looks at the board until the points are there."""

    def __init__(self, stand: Stand, turns: Sequence[tuple[float, Call]]) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.trouble: Exception | None = None
        self._turns = turns
        self._api = http.client.HTTPConnection("127.0.0.1", stand.system.ports["api"], timeout=20)

    def run(self) -> None:
        try:
            self._api.connect()
            for due, submit in self._turns:
                time.sleep(max(0.0, due - time.monotonic()))
                self.seconds.append(self._follow(submit))
        except Exception as error:  # told by the thread that waits
            self.trouble = error

    def _follow(self, submit: Call) -> float:
        assert submit.token is not None
        look = call("GET", f"{rows.BOARD}?around=me&limit=1", submit.token)
        before = _points(self._ask(look))
        began = time.monotonic()
        earned = sum(credit["amount"] for credit in self._ask(submit)["points"])
        while _points(self._ask(look)) < before + earned:
            if time.monotonic() - began > PATIENCE_S:
                raise RequestsFailed("A submit did not become visible on the board.")
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def _ask(self, one: Call) -> "dict[str, list[dict[str, int]]]":
        self._api.request(one.method, one.path, one.body, one.all_headers())
        response = self._api.getresponse()
        body = response.read()
        if response.status != 200:
            raise RequestsFailed(f"{one.method} {one.path}: {response.status} {body[:300]!r}")
        found: dict[str, list[dict[str, int]]] = orjson.loads(body)
        return found


def visible(stand: Stand) -> list[Reading]:
    """How long after a submit the board shows it, at 50 submits a second."""
    calls = rows.submits(stand, stand.org.active)
    followed, others = calls[::FOLLOWED], [c for n, c in enumerate(calls) if n % FOLLOWED]
    stand.quiet()
    pace = SUBMITS_A_SECOND / FOLLOWED
    background = load.start(
        others, stand.system.ports["api"], stand.system.home, pace=SUBMITS_A_SECOND - pace,
        processes=1,
    )  # fmt: skip
    began = time.monotonic()
    turns = [(began + number / pace, one) for number, one in enumerate(followed)]
    followers = [Follower(stand, turns[n::FOLLOWERS]) for n in range(FOLLOWERS)]
    for follower in followers:
        follower.start()
    for follower in followers:
        follower.join(len(turns) / pace + PATIENCE_S * 2)
    load_seen = background.result()
    return _latencies(followers, load_seen.percentile_ms(99))


def _latencies(followers: Sequence[Follower], submit_p99_ms: float) -> list[Reading]:
    for follower in followers:
        if follower.trouble or follower.is_alive():
            raise RequestsFailed(f"A follower failed: {follower.trouble!r}")
    seconds = sorted(second for follower in followers for second in follower.seconds)
    title = f"submit → visible at {SUBMITS_A_SECOND}/s"
    middle, last = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    return [
        Reading(f"{title}, p50", middle, "s", f"{len(seconds)} followed"),
        Reading(f"{title}, p99", last, "s", f"longest {seconds[-1]:.2f} s", (1, 1)),
        Reading(f"submit at {SUBMITS_A_SECOND}/s, p99", submit_p99_ms, "ms", "from its due time"),
    ]


def board_beside_submits(stand: Stand) -> list[Reading]:
    """The cost of a board page by an API of its own while another takes 50 submits a second."""
    submits = rows.submits(stand, stand.org.active[: SUBMITS_A_SECOND * 10])
    board = next(row for row in rows.ROWS if row.name == "board")
    calls = board.prepare(stand, 2 * board.requests)
    stand.quiet()
    bare = [Call("GET", "/", one.token) for one in calls]
    bare_micros = _micros(stand, "bare", bare)
    _micros(stand, "reads", calls[: len(calls) // 4])
    background = load.start(
        submits, stand.system.ports["api"], stand.system.home, pace=SUBMITS_A_SECOND, processes=1
    )
    micros = _micros(stand, "reads", calls)
    background.result()
    ratio = micros / bare_micros
    note = f"{micros:.0f} µs"
    title = f"board page beside {SUBMITS_A_SECOND} submits/s"
    return [Reading(title, ratio, "×", note, board.bounds)]


def saves_beside_drain(stand: Stand) -> list[Reading]:
    """What 100 saves a second wait for while a drain works."""
    calls = rows.save(stand, SAVES_A_SECOND * BACKLOG_S)
    stand.quiet()
    with stand.app.app_context():
        still.announce(stand, BACKLOG)
    seen = load.start(
        calls, stand.system.ports["api"], stand.system.home, pace=SAVES_A_SECOND, processes=1
    ).result()
    left = "worked throughout" if stand.owed() else "ended before the saves"
    title = f"save at {SAVES_A_SECOND}/s beside a drain, p99"
    return [Reading(title, seen.percentile_ms(99), "ms", f"the drain {left}", (60, 25))]


def _micros(stand: Stand, tree: str, calls: Sequence[Call]) -> float:
    before = stand.system.used_s()[tree]
    load.send(calls, stand.system.ports[tree], stand.system.home)
    return (stand.system.used_s()[tree] - before) * 1e6 / len(calls)


LIVE: dict[str, Callable[[Stand], list[Reading]]] = {
    "visible": visible,
    "board-beside": board_beside_submits,
    "save-beside": saves_beside_drain,
}


def _points(answer: "dict[str, list[dict[str, int]]]") -> int:
    """The points of the reader's own row; 0 where there is none yet."""
    me = answer["me"]
    return me["points"] if isinstance(me, dict) else 0
