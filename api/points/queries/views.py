"""Boards, ledgers and rules as the API shows them."""

from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db, pages
from api.core.errors import Forbidden, NotFound
from api.core.i18n import _
from api.org.models import BRANCH_KINDS, Member
from api.points.models import PointRule
from api.points.queries import catalogue, ledger, totals
from api.points.rules import ALL_TIME, periods, yearly

BRANCHES = "branches-"
KEYS = (totals.PEOPLE, *(BRANCHES + kind for kind in BRANCH_KINDS))
SEE_ALL = ("admin", "auditor")
EXPLAINED_ENTRIES = 50
_TIE_RULE = _("More points first; among equals who had them earlier; equal points share a rank.")
_TITLES = {
    "people": _("People"),
    "branches-party": _("Party branches"),
    "branches-league": _("Youth league branches"),
    "branches-union": _("Union groups"),
    "branches-generic": _("Branches"),
}


def present_month() -> str:
    """The month it is in the organisation's time zone, as "2026-11"."""
    return periods(clock.now(), catalogue.zone()).month


def listed(language: str) -> dict[str, Any]:
    """BoardsOut."""
    return {"items": [_listed(key, language) for key in KEYS]}


def _listed(key: str, language: str) -> dict[str, Any]:
    return {
        "key": key,
        "title": _TITLES[key].in_language(language),
        "value": "points" if key == totals.PEOPLE else "points_per_head",
        "periods": [present_month(), ALL_TIME],
    }


def explanation(
    key: str, language: str, *, member: str | None, period: str | None
) -> dict[str, Any]:
    """ExplanationOut; raises NotFound, and Forbidden for somebody else's ledger."""
    if key != totals.PEOPLE:
        raise NotFound(_("Branch totals are sums of their members' points while in the branch."))
    wanted = member or auth.principal().member_id
    _may_see(wanted)
    period = period or present_month()
    return {
        "key": key,
        "period": period,
        **ledger.explained(wanted, period, EXPLAINED_ENTRIES),
        "tie_rule": _TIE_RULE.in_language(language),
    }


def _may_see(member_id: str) -> None:
    """One's own ledger; others' for administrators and auditors of their unit."""
    if member_id == auth.principal().member_id:
        return
    unit_id = db.connection().scalar(sa.select(Member.unit_id).where(Member.id == member_id))
    if unit_id is None or not auth.allows(SEE_ALL, auth.Scope(unit_id)):
        raise Forbidden(_("A ledger is seen by its owner and by auditors."))


def my_points(query: dict[str, Any]) -> dict[str, Any]:
    """MyPointsOut."""
    member_id = auth.principal().member_id
    return {
        **ledger.standing(member_id, clock.now()),
        **ledger.entries(member_id, **query),
    }


def rules(*, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of all versions of all rules."""
    table = PointRule.__table__.c
    order = [table.code, table.version]
    return pages.page(sa.select(PointRule), order, limit=limit, cursor=cursor, show=rule)


def rule(row: PointRule) -> dict[str, Any]:
    """RuleOut."""
    return {
        "code": row.code,
        "version": row.version,
        "fact_kind": row.fact_kind,
        "title": row.title,
        "formula": row.formula,
        "improvement": row.improvement,
        "caps": row.caps,
        "weekdays": row.weekdays,
        "active": row.active,
        "effective_from": row.effective_from,
        "yearly_most": yearly(catalogue.as_rule(row)),
    }
