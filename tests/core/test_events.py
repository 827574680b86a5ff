"""The outbox: what is announced is drained once, in order; poison is set aside."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from api.core import clock, db, events
from api.core.events import OutboxRow, Reaction
from api.core.schedule import Lease
from api.core.valkey import ValkeyDown
from tests.factories import World


@dataclass(frozen=True, slots=True)
class Said:
    """An event of these tests."""

    word: str
    number: int = 0
    at: datetime | None = None


class Heard:
    """A reaction that writes what it hears into a table, and can be told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fails: Callable[[Sequence[Said]], None] = lambda _batch: None

    def inside(self, batch: Sequence[Said]) -> None:
        for event in batch:
            values = {"name": event.word, "runner": "x", "until": clock.now()}
            db.connection().execute(sa.insert(Lease), values | {"seen_at": clock.now()})
        self.fails(batch)
        self.batches.append([event.word for event in batch])

    def outside(self, batch: Sequence[Said]) -> None:
        self.fails(batch)
        self.batches.append([event.word for event in batch])


@pytest.fixture
def heard(app: Flask) -> Iterator[Heard]:
    heard = Heard()
    events.configure(
        [
            Reaction("in", on=(Said,), apply=heard.inside),
            Reaction("out", on=(Said,), apply=heard.outside, outside=True),
        ]
    )
    with app.app_context():
        yield heard


def say(*words: str) -> None:
    with db.transaction():
        events.emit(*(Said(word) for word in words))


def kept() -> list[str]:
    """What the database reaction has written."""
    with db.reading() as conn:
        return sorted(conn.execute(sa.select(Lease.name)).scalars())


def rows(reaction: str) -> list[Any]:
    with db.reading() as conn:
        statement = sa.select(OutboxRow.__table__).where(OutboxRow.reaction == reaction)
        return list(conn.execute(statement.order_by(OutboxRow.id)))


def test_each_reaction_gets_each_event_once_and_in_order(heard: Heard) -> None:
    say("a", "b")
    say("c")
    assert sorted(events.pending()) == ["in", "out"]
    assert (events.drain("in"), events.drain("out")) == (3, 3)
    assert heard.batches == [["a", "b", "c"], ["a", "b", "c"]]
    assert events.drain("in") == events.drain("out") == 0
    assert events.pending() == []
    assert kept() == ["a", "b", "c"]


def test_an_event_nobody_reacts_to_leaves_nothing(heard: Heard) -> None:
    events.configure([])
    say("a")
    assert rows("in") == []


def test_an_event_comes_back_as_it_was(heard: Heard) -> None:
    at = datetime(2026, 11, 23, 8, 30, 0, 123456, tzinfo=UTC)
    got: list[Said] = []
    heard.fails = got.extend
    with db.transaction():
        events.emit(Said("café 安全", 7, at), Said("none"))
    events.drain("out")
    assert got == [Said("café 安全", 7, at), Said("none", 0, None)]


def test_more_than_a_batch_is_drained_in_one_go(heard: Heard) -> None:
    with db.transaction():
        events.emit(*(Said(f"{n:04}") for n in range(events.BATCH + 5)))
    assert events.drain("in") == events.BATCH + 5
    assert [len(batch) for batch in heard.batches] == [events.BATCH, 5]


def poison(batch: Sequence[Said]) -> None:
    if any(event.word == "poison" for event in batch):
        raise ValueError("cannot swallow this: secret detail")


@pytest.mark.parametrize("name", ["in", "out"])
def test_poison_is_set_aside_and_the_others_go_on(heard: Heard, world: World, name: str) -> None:
    heard.fails = poison
    say("a", "poison", "b")
    for _try in range(events.MAX_TRIES + 3):
        events.drain(name)
        world.move_clock(minutes=2)
    assert sorted(word for batch in heard.batches for word in batch) == ["a", "b"]
    [dead] = rows(name)
    assert (dead.dead, dead.tries, dead.error) == (True, events.MAX_TRIES, "ValueError")
    with db.reading():
        assert events.backlog()["dead"] == 1
    say("c")
    events.drain(name)
    assert heard.batches[-1] == ["c"], "the dead row holds the others up"
    if name == "in":
        assert kept() == ["a", "b", "c"], "a failed try left something behind"


def test_dead_events_are_shown_and_can_be_requeued(heard: Heard, world: World) -> None:
    heard.fails = poison
    say("poison")
    for _try in range(events.MAX_TRIES):
        events.drain("in")
        events.drain("out")
        world.move_clock(minutes=2)
    ready = world.client.get("/api/v1/readyz").get_json()
    assert ready["outbox"]["dead"] == 2
    assert ready["degraded"]
    heard.fails = lambda _batch: None
    with db.transaction():
        assert events.requeue("in") == 1
    assert events.drain("in") == 1
    with db.transaction():
        assert events.requeue() == 1
    assert events.drain("out") == 1
    with db.reading():
        assert events.backlog() == {"pending": 0, "dead": 0}


def test_a_failure_waits_longer_each_time(heard: Heard) -> None:
    heard.fails = poison
    say("poison")
    events.drain("in")
    [row] = rows("in")
    assert row.due_at - clock.now() > timedelta(seconds=1)
    assert events.drain("in") == 0
    assert events.pending() == ["out"]


def test_valkey_away_is_nobodys_fault(heard: Heard) -> None:
    def away(_batch: Sequence[Said]) -> None:
        raise ValkeyDown

    heard.fails = away
    say("a", "b")
    for _try in range(events.MAX_TRIES + 1):
        assert events.drain("out") == 0
    assert [(row.tries, row.dead) for row in rows("out")] == [(0, False)] * 2
    heard.fails = lambda _batch: None
    assert events.drain("out") == 2


@pytest.mark.parametrize("name", ["in", "out"])
def test_two_drains_at_once_apply_once(app: Flask, heard: Heard, name: str) -> None:
    def slowly(_batch: Sequence[Said]) -> None:
        time.sleep(0.1)

    heard.fails = slowly
    say("a", "b", "c")
    drained: list[int] = []

    def drain() -> None:
        with app.app_context():
            drained.append(events.drain(name))

    threads = [threading.Thread(target=drain) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(drained) == [0, 0, 0, 3]
    assert heard.batches == [["a", "b", "c"]]


def test_a_crash_between_effect_and_deletion_repeats_the_outside_effect(heard: Heard) -> None:
    """At least once, which is why such effects write absolute values."""

    def crash(_batch: Sequence[Said]) -> None:
        raise KeyboardInterrupt

    say("a")
    heard.fails = crash
    with pytest.raises(KeyboardInterrupt):
        events.drain("out")
    heard.fails = lambda _batch: None
    assert events.drain("out") == 1
    with pytest.raises(KeyboardInterrupt):
        say("b")
        heard.fails = crash
        events.drain("in")
    heard.fails = lambda _batch: None
    assert kept() == []
    assert events.drain("in") == 2
    assert kept() == ["a", "b"]
