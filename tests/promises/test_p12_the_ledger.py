"""P12: the ledger is append-only and conserves; caps hold, also under parallel credits."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from api.points.models import PointEntry
from api.points.rules.facts import Fact
from api.points.service import ledger
from tests.factories import World
from tests.points.crediting import credit, days_ago, install, sums


@pytest.mark.parametrize(
    "act", ["UPDATE point_entries SET amount = 1", "DELETE FROM point_entries"]
)
def test_p12_the_database_refuses_changes(world: World, act: str) -> None:
    install(world)
    credit(world, world.a_member().id)
    before = sums(world)

    def change() -> None:
        with world.changing() as session:
            session.execute(sa.text(act))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        change()
    assert sums(world) == before


def test_p12_insert_or_replace_does_not_slip_past(world: World) -> None:
    install(world)
    credit(world, world.a_member().id)
    with world.looking() as session:
        if session.connection().dialect.name != "sqlite":
            return
    statement = "INSERT OR REPLACE INTO point_entries SELECT * FROM point_entries"
    _refused(world, statement)


def test_p12_postgresql_refuses_truncate(world: World) -> None:
    with world.looking() as session:
        if session.connection().dialect.name != "postgresql":
            return
    _refused(world, "TRUNCATE point_entries CASCADE")


def _refused(world: World, statement: str) -> None:
    def change() -> None:
        with world.changing() as session:
            session.execute(sa.text(statement))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        change()


def test_p12_a_fact_is_credited_once(world: World) -> None:
    install(world)
    member = world.a_member().id
    fact = Fact("quiz", "c", "attempt:same", days_ago(0), {"score": 100, "max_score": 100})
    brought = []
    for _time in range(3):
        with world.changing():
            lines, _events = ledger.credit(member, world.the_company(), fact)
            brought.append(sum(line.amount for line in lines))
    assert brought == [25, 0, 0]


def test_p12_an_improved_attempt_adds_the_difference(world: World) -> None:
    install(world)
    member = world.a_member().id
    assert [credit(world, member, score, item="c") for score in (40, 70, 60, 100)] == [13, 6, 0, 6]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3), st.integers(0, 9)), max_size=12))
def test_p12_balance_is_the_sum_and_caps_hold(
    world: World, facts: list[tuple[int, int, int]]
) -> None:
    install(world)
    person = world.a_member()
    brought = [
        credit(world, person.id, score, item=f"c{item}", at=days_ago(days))
        for score, item, days in facts
    ]
    mine = person.get("/me/points?limit=200").get_json()
    assert mine["balance"] == sum(brought) == sum(line["amount"] for line in mine["items"])
    with world.looking() as session:
        rows = session.execute(
            sa.select(PointEntry.rule_code, PointEntry.day, sa.func.sum(PointEntry.amount))
            .where(PointEntry.member_id == person.id)
            .group_by(PointEntry.rule_code, PointEntry.day)
        )
        caps = {"quiz.taken": 10, "quiz.score": 60}
        assert all(total <= caps[code] for code, _day, total in rows)


def _rush(world: World, member: str) -> int:
    """Eight different contests at once, each worth five points for taking part; the cap is ten."""
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda _n: credit(world, member, score=0), range(8)))


def test_p12_caps_hold_under_parallel_credits(world: World) -> None:
    install(world)
    assert _rush(world, world.a_member().id) == 10


def test_p12_without_the_guard_parallel_credits_pass_the_cap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control.  SQLite's own single writer can't be switched off; there is no guard
    of ours to remove there."""
    install(world)
    with world.looking() as session:
        if session.connection().dialect.name == "sqlite":
            return
    monkeypatch.setattr(ledger, "_fact_insert", _unlocked)
    assert max(_rush(world, world.a_member().id) for _round in range(10)) > 10


def _unlocked(_plain: bool) -> object:
    columns = ledger._FACT_COLUMNS
    values = {name: ledger._bound_fact(name) for name in columns}
    statement = postgresql.insert(ledger.PointFact.__table__).values(values)
    return statement.on_conflict_do_nothing().returning(ledger._fact.id)
