"""Reading badges."""

from typing import Any

import sqlalchemy as sa

from api.badges import rules
from api.badges.models import Badge, BadgeAward, BadgeFact
from api.core import db, pages

_COMPARE = {
    "==": lambda left, right: left == right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
_award = BadgeAward.__table__.c
_badge = Badge.__table__.c
_AWARDS = sa.select(
    _award.id, _award.period, _award.awarded_at, _badge.code, _badge.title, _badge.description
).join(Badge.__table__, _badge.id == _award.badge_id)
_MEMBER = sa.bindparam("member", type_=_award.member_id.type)
# What changes with every badge a member gets, and with every change of a badge's texts.
HELD = (
    sa.select(sa.func.count()).where(_award.member_id == _MEMBER).scalar_subquery(),
    sa.select(sa.func.sum(_badge.version)).scalar_subquery(),
)
# Built once: putting it together costs more than running it.
_NEWEST = (
    _AWARDS.where(_award.member_id == _MEMBER)
    .order_by(_award.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer()))
)


def active(fact: str) -> list[tuple[Badge, rules.Rule]]:
    """The badges in force that count a kind of fact, with their rules."""
    found = []
    for badge in db.session().scalars(sa.select(Badge).where(Badge.active).order_by(Badge.code)):
        rule = rules.parse(badge.rule)
        if rule.fact == fact:
            found.append((badge, rule))
    return found


def reached(rule: rules.Rule, member_ids: list[str]) -> list[tuple[str, str]]:
    """(member, period) pairs for which `rule` is fulfilled among `member_ids`."""
    fact = BadgeFact.__table__.c
    period = {"all": sa.literal(""), "month": fact.month, "item": fact.item}[rule.within]
    counted = sa.func.count(sa.distinct(fact.item) if rule.count == "items" else fact.id)
    statement = (
        sa.select(fact.member_id, period.label("period"))
        .where(fact.kind == rule.fact, fact.member_id.in_(member_ids), *_conditions(rule))
        .group_by(fact.member_id, sa.text("period"))
        .having(counted >= rule.at_least)
    )
    return [(row.member_id, row.period) for row in db.connection().execute(statement)]


def _conditions(rule: rules.Rule) -> list[sa.ColumnElement[bool]]:
    fact = BadgeFact.__table__.c
    return [
        _COMPARE[comparison](fact[left], fact[right] if isinstance(right, str) else right)
        for left, comparison, right in rule.where
    ]


def deepest_rank() -> int:
    """The lowest place that any badge in force asks for; 0 if none does."""
    return max(
        (int(right) for _badge, rule in active("place") for _left, _op, right in rule.where),
        default=0,
    )


def listed(language: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of the badges in force."""
    return pages.page(
        sa.select(Badge).where(Badge.active),
        [Badge.__table__.c.code],
        limit=limit,
        cursor=cursor,
        show=lambda badge: view(badge, language),
    )


def view(badge: Any, language: str) -> dict[str, Any]:
    """BadgeOut."""
    return {
        "id": badge.id,
        "code": badge.code,
        "title": badge.title.get(language, badge.code),
        "description": badge.description.get(language, ""),
        "rule": badge.rule,
    }


def of_member(member_id: str, language: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of a member's badges, newest first."""
    return pages.page(
        _AWARDS.where(_award.member_id == member_id),
        [_award.id],
        limit=limit,
        cursor=cursor,
        descending=True,
        show=lambda row: award_view(row, language),
        entities=False,
    )


def newest(member_id: str, language: str, limit: int) -> list[dict[str, Any]]:
    """A member's newest badges."""
    rows = db.connection().execute(_NEWEST, {"member": member_id, "most": limit})
    return [award_view(row, language) for row in rows]


def award_view(row: Any, language: str) -> dict[str, Any]:
    """BadgeAwardOut."""
    return {
        "id": row.id,
        "code": row.code,
        "title": row.title.get(language, row.code),
        "description": row.description.get(language, ""),
        "period": row.period,
        "awarded_at": row.awarded_at,
    }
