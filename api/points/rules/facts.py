"""What a fact is worth: point rules as pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WINDOWS = ("item", "day", "week", "month")
FACT_VALUES = {"quiz": ("score", "max_score")}
MAX_YEAR = 200_000
MAX_AMOUNT = 10_000


class BadRule(ValueError):
    """A point rule that makes no sense or could grow without bound.

    `template` with `params` says why, for people and translators.
    """

    def __init__(self, template: str, **params: Any) -> None:
        super().__init__(template.format(**params))
        self.template = template
        self.params = params


@dataclass(frozen=True, slots=True)
class Fact:
    """Something worth points: once for each (kind, reference).

    `item` is what caps by item count (a contest's id); `values` are the numbers that formulas use.
    """

    kind: str
    item: str
    reference: str
    occurred_at: datetime
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a point rule.

    `formula`: {"kind": "fixed", "amount": 5} or {"kind": "share", "of": "score", "out_of":
    "max_score", "max_amount": 20}, rounded down.  `improvement`: the item's total of this rule
    never exceeds the present fact's worth, so that a better attempt adds the difference.  `caps`:
    points by window.  `weekdays`: 1 (Monday) to 7, or None for all.
    """

    code: str
    version: int
    fact_kind: str
    formula: Mapping[str, Any]
    effective_from: datetime
    improvement: bool = False
    caps: Mapping[str, int] = field(default_factory=dict)
    weekdays: Sequence[int] | None = None
    active: bool = True

    def worth(self, fact: Fact) -> int:
        """Points for a fact before caps."""
        if self.formula["kind"] == "fixed":
            return int(self.formula["amount"])
        whole = fact.values[self.formula["out_of"]]
        part = fact.values[self.formula["of"]]
        return int(self.formula["max_amount"]) * part // whole if whole > 0 else 0

    @property
    def most(self) -> int:
        """The most a single fact can be worth."""
        formula = self.formula
        return int(formula["amount" if formula["kind"] == "fixed" else "max_amount"])


def check(rule: Rule) -> None:
    """Raise BadRule for a rule that makes no sense or allows too many points a year."""
    _check_formula(rule)
    if any(window not in WINDOWS for window in rule.caps):
        raise BadRule("caps are by item, day, week or month")
    if any(not 1 <= cap <= MAX_YEAR for cap in rule.caps.values()):
        raise BadRule("a cap is a number from 1 to {most}", most=MAX_YEAR)
    if rule.weekdays is not None and not set(rule.weekdays) <= set(range(1, 8)):
        raise BadRule("weekdays are numbers from 1 (Monday) to 7")
    if yearly(rule) > MAX_YEAR:
        raise BadRule("its caps allow more than {most} points a year", most=MAX_YEAR)


def _check_formula(rule: Rule) -> None:
    formula = dict(rule.formula)
    kind = formula.get("kind")
    fields = {"fixed": {"kind", "amount"}, "share": {"kind", "of", "out_of", "max_amount"}}
    # What came in may be of any type, also one that can't be looked up.
    if not isinstance(kind, str) or set(formula) != fields.get(kind):
        raise BadRule("a formula is fixed (amount) or a share (of, out_of, max_amount)")
    if rule.fact_kind not in FACT_VALUES:
        raise BadRule("the kind of fact is one of {kinds}", kinds=", ".join(FACT_VALUES))
    known = FACT_VALUES[rule.fact_kind]
    if kind == "share" and not all(formula[part] in known for part in ("of", "out_of")):
        raise BadRule("a share is of {known}", known=", ".join(known))
    amount = formula["amount" if kind == "fixed" else "max_amount"]
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MAX_AMOUNT:
        raise BadRule("an amount is a whole number from 1 to {most}", most=MAX_AMOUNT)


def yearly(rule: Rule) -> int:
    """What the caps by time allow in a year; without any, more than is ever allowed."""
    factor = {"day": 366, "week": 53, "month": 12}
    return min(
        (rule.caps[window] * times for window, times in factor.items() if window in rule.caps),
        default=MAX_YEAR + 1,
    )


def matching(rules: Sequence[Rule], fact: Fact, weekday: int) -> list[Rule]:
    """Of each code the version in force when the fact happened, if it counts that day."""
    newest: dict[str, Rule] = {}
    for rule in rules:
        known = newest.get(rule.code)
        if rule.effective_from <= fact.occurred_at and (not known or rule.version > known.version):
            newest[rule.code] = rule
    return [
        rule
        for rule in sorted(newest.values(), key=lambda r: r.code)
        if rule.active
        and rule.fact_kind == fact.kind
        and (rule.weekdays is None or weekday in rule.weekdays)
        and rule.worth(fact) > 0
    ]
