"""Badge rules as data: which facts count, how they are counted, how many are enough.

    {"fact": "attempt", "count": "items", "at_least": 3, "within": "month", "where": []}

`fact`: the kind of fact.  `count`: "facts", or "items" for different contests.  `within`: "all"
(given once for ever), "month" or "item" (once in each).  `where`: conditions on a fact's numbers,
[left, comparison, right] with a number's name on the left and a name or a number on the right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FACTS = {"attempt": ("score", "max_score"), "place": ("rank",)}
NUMBERS = ("score", "max_score", "rank")
COMPARISONS = ("==", "<=", ">=")
COUNTS = ("facts", "items")
SPANS = ("all", "month", "item")

Condition = tuple[str, str, str | int]


class BadRule(ValueError):
    """A badge rule that makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked badge rule."""

    fact: str
    count: str
    at_least: int
    within: str
    where: tuple[Condition, ...] = ()


def parse(data: Mapping[str, Any]) -> Rule:
    """The rule that `data` declares; raises BadRule."""
    rule = Rule(
        fact=_one_of(data, "fact", tuple(FACTS)),
        count=_one_of(data, "count", COUNTS),
        at_least=data.get("at_least", 1),
        within=_one_of(data, "within", SPANS),
        where=tuple(_condition(item, data["fact"]) for item in data.get("where", [])),
    )
    if not isinstance(rule.at_least, int) or not 1 <= rule.at_least <= 10_000:
        raise BadRule("at_least must be a whole number from 1 to 10000")
    return rule


def _one_of(data: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str:
    value = data.get(name)
    if value not in words:
        raise BadRule(f"{name} must be one of {', '.join(words)}")
    return str(value)


def _condition(item: Any, fact: str) -> Condition:
    left, comparison, right = item
    known = FACTS[fact]
    if left not in known or comparison not in COMPARISONS:
        raise BadRule(f"a condition compares one of {', '.join(known)}")
    if not isinstance(right, int) and right not in known:
        raise BadRule("a condition's right side is a number or a number's name")
    return left, comparison, right
