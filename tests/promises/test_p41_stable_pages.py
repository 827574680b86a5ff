"""P41: pages are stable while rows are added: nothing twice, nothing left out."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from api.badges.models import Badge, BadgeAward
from api.contests.models import ContestResult
from api.core import audit, clock, db, limits
from api.core.auth import Grant
from api.core.http import Operation
from api.points.models import PointRule
from tests.factories import Person, World
from tests.points.crediting import credit
from tests.promises.place import Place, a_place, fresh
from tests.promises.requests import REQUESTS, Request, key_of, send
from tests.promises.scene import install_points
from tests.promises.tables import by_tag, declared

PAGED = sorted(key_of(o) for o in declared() if o.query and "cursor" in o.query.fields)
Adder = Callable[[Place, Person], Any]


def a_line(place: Place, _person: Person) -> None:
    with place.world.changing():
        audit.record("test", fresh("/things/"))


def a_score(place: Place, _person: Person) -> None:
    """Somebody new on the board, among, above or below the others."""
    somebody = place.somebody()
    credit(place.world, somebody.id, 10 + 7 * (int(somebody.number) % 11))
    place.world.work_off()


def a_rule(place: Place, _person: Person) -> None:
    now = clock.now()
    with place.world.changing() as session:
        session.add(
            PointRule(
                code=fresh("rule.x").replace(" ", ""), version=1, fact_kind="quiz",
                title={"en": "x"}, formula={"kind": "fixed", "amount": 1}, caps={},
                effective_from=now, created_at=now,
            )
        )  # fmt: skip


def a_result(place: Place, _person: Person) -> None:
    """The next place in the results of the place's released contest."""
    contest_id = released(place)
    member_id = place.somebody().id
    with place.world.changing() as session:
        held = session.scalar(sa.select(sa.func.count()).select_from(ContestResult)) or 0
        session.add(
            ContestResult(
                contest_id=contest_id, results_version=1, member_id=member_id,
                attempt_id=db.new_id(), tries=1, score_hundredths=0, time_share=0,
                rank=held + 1, position=held + 1, tie_break={"rule": "score", "value": None},
            )
        )  # fmt: skip


def released(place: Place) -> str:
    """The one released contest of the place."""
    made = place.world.made
    if "released" not in made:
        made["released"] = place.contest("released")
    return str(made["released"])


def a_badge(place: Place, _person: Person) -> str:
    with place.world.changing() as session:
        code = fresh("badge").replace(" ", "_")
        badge = Badge(
            id=db.new_id(), code=code, title={"en": code}, description={"en": code},
            rule={"fact": "attempt", "count": "items", "at_least": 1, "within": "all"},
        )  # fmt: skip
        session.add(badge)
        return badge.id


def an_award(place: Place, person: Person) -> None:
    badge_id = a_badge(place, person)
    with place.world.changing() as session:
        session.add(
            BadgeAward(badge_id=badge_id, member_id=person.id, period="all", awarded_at=clock.now())
        )


ADDERS: dict[str, Adder] = {
    "GET /files": lambda p, w: p.file(w),
    "GET /audit": a_line,
    "GET /units": lambda p, _: p.world.a_unit(fresh("Department"), p.unit_id),
    "GET /branches": lambda p, _: p.world.a_branch(p.unit_id),
    "GET /organizing-bodies": lambda p, _: p.world.a_body(p.unit_id),
    "GET /teams": lambda p, _: p.team(),
    "GET /members": lambda p, _: p.somebody(),
    "GET /memberships": lambda p, _: p.somebody(),
    "GET /role-grants": lambda p, _: p.role_grant(),
    "GET /me/inbox": lambda p, w: p.message(w),
    "GET /leaderboards/{key}": a_score,
    "GET /me/points": lambda p, w: credit(p.world, w.id),
    "GET /point-rules": a_rule,
    "GET /question-banks": lambda p, _: p.bank(),
    "GET /question-banks/{bank_id}/questions": lambda p, _: p.question(),
    "GET /contests": lambda p, _: p.contest("open"),
    "GET /contests/{contest_id}/results": a_result,
    "GET /badges": a_badge,
    "GET /me/badges": an_award,
}


def test_p41_every_list_is_tried() -> None:
    assert sorted(ADDERS) == PAGED


@pytest.fixture
def place(world: World) -> Place:
    install_points(world)
    world.the_company()
    return a_place(world, "P1")


@pytest.mark.parametrize("size", ["1", "2"])
@pytest.mark.parametrize("group", by_tag(lambda o: o.query and "cursor" in o.query.fields))
def test_p41_pages_are_stable_while_rows_are_added(
    place: Place, group: list[Operation], size: str
) -> None:
    for operation in group:
        limits.buckets.clear()
        read_through(place, operation, size)


def read_through(place: Place, operation: Operation, size: str) -> None:
    """Page by page, while between any two pages something is added."""
    key = key_of(operation)
    grants = tuple(Grant(role) for role in operation.who if role != "employee")
    person = place.somebody(grants=grants)
    add = ADDERS[key]
    for _number in range(5):
        add(place, person)
    request = REQUESTS[key](place, person)
    if "{contest_id}" in key:
        request = Request({"contest_id": released(place)})

    def page(**query: str) -> dict[str, Any]:
        asked = Request(request.ids, {**request.query, **query})
        reply = send(person, operation, asked, place)
        assert reply.status_code == 200, reply.get_json()
        found: dict[str, Any] = reply.get_json()
        return found

    first = [identity(item) for item in page(limit="200")["items"]]
    assert len(first) >= 5
    seen, cursor = [], None
    for _page in range(len(first) + 40):
        part = page(limit=size, **({"cursor": cursor} if cursor else {}))
        assert len(part["items"]) <= int(size)
        seen += [identity(item) for item in part["items"]]
        cursor = part["next_cursor"]
        if cursor is None:
            break
        if len(seen) < len(first) + 3:
            add(place, person)
    assert cursor is None, "the list has no end"
    assert len(seen) == len(set(seen)), "something came twice"
    missing = [one for one in first if one not in seen]
    assert not missing


def identity(item: dict[str, Any]) -> tuple[Any, ...]:
    for names in (("id",), ("subject_id",), ("member_id",), ("code", "version")):
        if all(name in item for name in names):
            return tuple(item[name] for name in names)
    raise AssertionError(item)
