"""What points cost, pinned: SQL statements, commits, trips to Valkey."""

from datetime import datetime

import pytest

from api.core import clock, events
from api.points.events import BoardsTouched, PointsCredited
from api.points.queries import ledger as queries
from api.points.rules.facts import Fact
from api.points.rules.periods import periods
from api.points.service import ledger
from tests.costs import Costs, counted
from tests.factories import World
from tests.points.crediting import credit, install


@pytest.fixture
def member(world: World) -> str:
    """Somebody with points, boards built, the rules read."""
    install(world)
    person = world.a_member(branches=(world.a_branch(kind="union"),))
    credit(world, person.id)
    world.work_off()
    return person.id


def _credit(world: World, member: str, reference: str) -> Costs:
    values = {"score": 50, "max_score": 100}
    fact = Fact("quiz", reference, reference, clock.now(), values)
    company = world.the_company()
    with counted(world.app) as costs, world.changing():
        _lines, announced = ledger.credit(member, company, fact)
        events.emit(*announced)
    return costs


def test_a_credit_takes_three_statements_with_its_event(world: World, member: str) -> None:
    _credit(world, member, "warm up")
    costs = _credit(world, member, "attempt:a")
    assert costs.counts == (3, 1, 0), costs.statements


def test_a_known_fact_takes_one(world: World, member: str) -> None:
    _credit(world, member, "attempt:a")
    assert _credit(world, member, "attempt:a").counts == (1, 1, 0)


def _drained(world: World, name: str) -> Costs:
    """A drain's costs without PostgreSQL's lock of the reaction, a file on SQLite."""
    with counted(world.app) as costs, world.app.app_context():
        events.drain(name)
    costs.statements = [text for text in costs.statements if "advisory" not in text]
    return costs


def test_totals_of_a_batch_take_as_many_statements_as_of_one(world: World, member: str) -> None:
    """Two for the outbox, then memberships, totals, parts, what moved."""
    counts = []
    for size in (1, 200):
        people = [member] if size == 1 else [world.a_member().id for _n in range(size)]
        with world.changing():
            events.emit(*(PointsCredited(one, 5, _month(), clock.now()) for one in people))
            events.emit(PointsCredited(member, 5, _month(), clock.now()))
        counts.append(_drained(world, "points.totals").counts)
    assert counts == [(6, 1, 0), (6, 1, 0)]


def _month() -> str:
    now: datetime = clock.now()
    return periods(now, queries.catalogue.zone()).month


def test_a_push_is_two_scripts(world: World, member: str) -> None:
    """Points and names; reading them takes two statements, the outbox two more."""
    with world.changing():
        events.emit(*(BoardsTouched("people", "all", [member]) for _n in range(50)))
    costs = _drained(world, "points.boards")
    assert costs.counts == (4, 1, 2), costs.statements
