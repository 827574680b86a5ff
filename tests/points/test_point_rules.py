"""Point rules over HTTP: versions, dates, dry runs, refusals that say why in both languages."""

from datetime import timedelta
from typing import Any

import pytest

from api.core import clock
from tests.factories import Person, World
from tests.points.crediting import credit, install
from tests.promises.rounds import at_once


def a_rule(**fields: Any) -> dict[str, Any]:
    return {
        "code": "quiz.taken", "fact_kind": "quiz", "title": {"en": "Took a quiz"},
        "formula": {"kind": "fixed", "amount": 7}, "caps": {"day": 14}, **fields,
    }  # fmt: skip


@pytest.fixture
def admin(world: World) -> Person:
    install(world)
    return world.an_admin()


def test_a_new_version_counts_from_its_date_on(admin: Person, world: World) -> None:
    made = admin.post("/point-rules", a_rule()).get_json()
    assert (made["version"], made["yearly_most"]) == (2, 14 * 366)
    member = world.a_member().id
    assert credit(world, member, 0) == 5
    world.move_clock(seconds=6)
    assert credit(world, member, 0) == 7


def test_a_dry_run_answers_the_version_and_keeps_nothing(admin: Person) -> None:
    tried = admin.post("/point-rules?dry_run=true", a_rule())
    assert (tried.status_code, tried.get_json()["version"]) == (201, 2)
    codes = [(r["code"], r["version"]) for r in admin.get("/point-rules").get_json()["items"]]
    assert codes == [("quiz.score", 1), ("quiz.taken", 1)]


def test_a_rule_cannot_begin_in_the_past_or_at_once(admin: Person) -> None:
    at = (clock.now() + timedelta(seconds=2)).isoformat()
    reply = admin.post("/point-rules", a_rule(effective_from=at))
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["field"] == "effective_from"


@pytest.mark.parametrize(
    "formula",
    [{"kind": []}, {"kind": {}}, {}, {"kind": "fixed", "amount": [1]},
     {"kind": "share", "of": [], "out_of": {}, "max_amount": 3},
     {"kind": "share", "of": "score", "out_of": "max_score", "max_amount": 1e3}],
)  # fmt: skip
def test_a_formula_of_any_shape_is_refused_not_stumbled_over(admin: Person, formula: Any) -> None:
    reply = admin.post("/point-rules", a_rule(formula=formula))
    assert (reply.status_code, reply.get_json()["code"]) == (422, "unsound-point-rule")


def test_the_reason_is_told_in_the_readers_language(admin: Person) -> None:
    unbounded = a_rule(caps={"day": 1000})
    english = admin.post("/point-rules", unbounded).get_json()
    chinese = admin.post("/point-rules", unbounded, headers={"Accept-Language": "zh-CN"}).get_json()
    assert "more than 200000 points a year" in english["detail"]
    assert chinese["detail"] == "规则未被接受：按其封顶，一年可得积分超过 200000 分。"


def test_only_who_rules_the_whole_organisation_makes_rules(admin: Person, world: World) -> None:
    assert world.a_member().post("/point-rules", a_rule()).status_code == 403
    assert world.an_organizer().post("/point-rules", a_rule()).status_code == 403


def test_versions_made_at_once_follow_each_other_or_are_refused(admin: Person) -> None:
    replies = at_once([lambda: admin.post("/point-rules", a_rule())] * 4)
    made = sorted(r.get_json()["version"] for r in replies if r.status_code == 201)
    assert made == list(range(2, 2 + len(made)))
    assert made
    assert {reply.status_code for reply in replies} <= {201, 409}


def test_a_rule_for_other_weekdays_brings_nothing_today(admin: Person, world: World) -> None:
    tomorrow = (clock.now() + timedelta(hours=8, days=1)).isoweekday()
    admin.post("/point-rules", a_rule(weekdays=[tomorrow]))
    world.move_clock(seconds=6)
    person = world.a_member()
    left = {
        r["rule"]: r["left_today"] for r in person.get("/me/points").get_json()["still_to_earn"]
    }
    assert left == {"quiz.taken": 0, "quiz.score": 60}
    assert credit(world, person.id, 0) == 0
