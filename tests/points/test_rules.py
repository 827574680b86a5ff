"""Worth and caps as pure functions."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.points.rules import facts as rules
from api.points.rules.facts import BadRule, Fact, Rule

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def a_rule(**fields: object) -> Rule:
    values = {
        "code": "quiz.taken", "version": 1, "fact_kind": "quiz",
        "formula": {"kind": "fixed", "amount": 5}, "effective_from": NOW, "caps": {"day": 10},
    }  # fmt: skip
    return Rule(**(values | fields))  # type: ignore[arg-type]


def a_fact(at: datetime = NOW, score: int = 50) -> Fact:
    return Fact("quiz", "c1", "attempt:1", at, {"score": score, "max_score": 100})


def test_a_share_is_rounded_down() -> None:
    share = {"kind": "share", "of": "score", "out_of": "max_score", "max_amount": 20}
    rule = a_rule(formula=share)
    assert [rule.worth(a_fact(score=s)) for s in (0, 4, 5, 99, 100)] == [0, 0, 1, 19, 20]


def test_the_version_in_force_when_it_happened_counts() -> None:
    later = NOW + timedelta(hours=1)
    versions = [
        a_rule(),
        a_rule(version=2, effective_from=later, formula={"kind": "fixed", "amount": 7}),
        a_rule(code="quiz.sunday", weekdays=(7,)),
    ]
    [before] = rules.matching(versions, a_fact(), 1)
    [after] = rules.matching(versions, a_fact(later), 1)
    assert (before.version, after.version) == (1, 2)
    assert len(rules.matching(versions, a_fact(later), 7)) == 2
    assert rules.matching(versions, a_fact(NOW - timedelta(seconds=1)), 7) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"caps": {"day": 1000}}, "points a year"),
        ({"caps": {"item": 5}}, "points a year"),
        ({"caps": {"hour": 5}}, "item, day, week or month"),
        ({"formula": {"kind": "fixed", "amount": True}}, "whole number"),
        ({"formula": {"kind": "share", "of": "x", "out_of": "score", "max_amount": 1}}, "share"),
        ({"formula": {"kind": "magic"}}, "formula"),
        ({"weekdays": (8,)}, "weekdays"),
        ({"fact_kind": "breathing"}, "kind of fact"),
    ],
)
def test_rules_without_sense_or_bound_are_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(BadRule, match=says):
        rules.check(a_rule(**fields))
