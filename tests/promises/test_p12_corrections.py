"""P12: corrections are counter-entries, once each, with reason and actor."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.core import events
from api.points.models import PointEntry
from api.points.service import ledger, oracle
from tests.factories import World
from tests.points.crediting import credit, install, sums


def _reverse(world: World, entry_id: int, actor: str, reason: str = "the key was wrong") -> int:
    with world.changing():
        announced = ledger.reverse(entry_id, reason, actor)
        events.emit(*announced)
    return sum(event.amount for event in announced)


def _credits(world: World) -> list[tuple[int, int]]:
    with world.looking() as session:
        statement = sa.select(PointEntry.id, PointEntry.amount).where(PointEntry.kind == "credit")
        return [(row[0], row[1]) for row in session.execute(statement)]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 100), min_size=1, max_size=4), st.data())
def test_p12_corrections_are_counter_entries(
    world: World, scores: list[int], data: st.DataObject
) -> None:
    """Once each, with reason and actor, in the month of the original; sums and boards follow."""
    install(world)
    person, admin = world.a_member(), world.an_admin()
    brought = sum(credit(world, person.id, score) for score in scores)
    mine = {line["id"] for line in person.get("/me/points?limit=200").get_json()["items"]}
    lines = [line for line in _credits(world) if line[0] in mine]
    taken = data.draw(st.lists(st.sampled_from(lines), unique=True))
    for entry_id, amount in taken:
        assert _reverse(world, entry_id, admin.id) == -amount
        assert _reverse(world, entry_id, admin.id) == 0
    world.work_off()
    left = brought - sum(amount for _id, amount in taken)
    assert person.get("/me/points").get_json()["balance"] == left == sums(world)[person.id]
    with world.app.app_context():
        assert oracle.differences() == []


@pytest.mark.parametrize("values", [{"reason": ""}, {"actor_id": None}, {"reverses_id": None}])
def test_p12_a_correction_without_reason_actor_or_original_is_refused(
    world: World, values: dict[str, object]
) -> None:
    install(world)
    member = world.a_member().id
    credit(world, member)
    [(entry_id, amount), *_others] = _credits(world)

    def correct() -> None:
        with world.changing() as session:
            original = session.get_one(PointEntry, entry_id)
            row = {c.key: getattr(original, c.key) for c in PointEntry.__table__.c}
            row |= {"kind": "reversal", "amount": -amount, "reason": "why",
                    "actor_id": member, "reverses_id": entry_id, **values}  # fmt: skip
            del row["id"]
            session.execute(sa.insert(PointEntry).values(row))

    with pytest.raises(sa.exc.IntegrityError):
        correct()
