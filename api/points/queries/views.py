"""Boards, ledgers and rules as the API shows them."""

from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db, pages
from api.core.errors import Forbidden, NotFound, invalid
from api.core.i18n import Text, _
from api.org.models import BRANCH_KINDS, Member
from api.points.models import Board, BoardSeason, BoardTotal, PointRule
from api.points.queries import catalogue, ledger
from api.points.rules import boards
from api.points.rules.boards import FEW_PEOPLE, PEOPLE
from api.points.rules.facts import yearly
from api.points.rules.periods import of_day, periods, seasons_of

BRANCHES = "branches-"
KEYS = (PEOPLE, *(BRANCHES + kind for kind in BRANCH_KINDS))
SEE_ALL = ("admin", "auditor")
EXPLAINED_ENTRIES = 50
_total = BoardTotal.__table__.c
_TIE_RULE = _("More points first; among equals who had them earlier; equal points share a rank.")
_TITLES = {
    "people": _("People"),
    "branches-party": _("Party branches"),
    "branches-league": _("Youth league branches"),
    "branches-union": _("Union groups"),
    "branches-generic": _("Branches"),
}
_METHODS = {
    "points": _("Points."),
    "per_head": _("All points of the branch's people by its heads."),
    "best_n": _("The mean of the best {n}."),
    "participation": _(
        "The mean of those who took part, of which {percent} percent count by the share who did."
    ),
}


def present_month() -> str:
    """The month it is in the organisation's time zone, as "2026-11"."""
    return periods(clock.now(), catalogue.zone()).month


def is_short(period: str) -> bool:
    """Whether a period is a day or a week, in which only people are ranked."""
    return period.count("-") == 2 or "-W" in period


def under_way(key: str) -> list[str]:
    """The periods of a board that run today."""
    today = catalogue.today()
    when = of_day(today)
    return [*(when.every if key == PEOPLE else when.long), *seasons_of(today, catalogue.seasons())]


def listed(language: str) -> dict[str, Any]:
    """BoardsOut."""
    rows = {row.key: row for row in db.session().scalars(sa.select(Board))}
    return {"items": [board(rows[key], language) for key in KEYS if key in rows]}


def settings(key: str) -> Board:
    """A board's settings; raises NotFound."""
    row = db.session().get(Board, key)
    if row is None:
        raise NotFound
    return row


def board(row: Board, language: str) -> dict[str, Any]:
    """BoardOut."""
    method = "points" if row.key == PEOPLE else row.method
    why = _METHODS[method]
    return {
        "key": row.key,
        "title": _TITLES[row.key].in_language(language),
        "active": row.active,
        "value": method,
        "best_n": row.best_n,
        "percent": row.percent,
        "says": Text(why.template, {"n": row.best_n, "percent": row.percent}).in_language(language),
        "periods": under_way(row.key),
        "version": row.version,
    }


def seasons(language: str) -> dict[str, Any]:
    """SeasonsOut, oldest first."""
    rows = db.session().scalars(sa.select(BoardSeason).order_by(BoardSeason.starts_on))
    return {"items": [season(row, language) for row in rows]}


def season(row: BoardSeason, language: str) -> dict[str, Any]:
    """SeasonOut."""
    return {
        "code": row.code,
        "period": f"s-{row.code}",
        "title": row.title.get(language, row.code),
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
    }


def explanation(
    key: str, language: str, *, member: str | None, branch: str | None, period: str | None
) -> dict[str, Any]:
    """ExplanationOut; raises NotFound, and Forbidden for somebody else's ledger."""
    if key not in KEYS:
        raise NotFound
    period = period or present_month()
    found = {"key": key, "period": period, "tie_rule": _TIE_RULE.in_language(language)}
    if key != PEOPLE:
        return {**found, **_NO_LINES, "branch": _explained_branch(key, branch, period, language)}
    wanted = member or auth.principal().member_id
    _may_see(wanted)
    return {**found, **ledger.explained(wanted, period, EXPLAINED_ENTRIES), "branch": None}


_NO_LINES: dict[str, Any] = {"points": None, "rules": [], "entries": []}


def _explained_branch(
    key: str, branch_id: str | None, period: str, language: str
) -> dict[str, Any]:
    """What a branch's value is made of; of fewer than ten people not the figures."""
    if branch_id is None:
        raise invalid("branch", _("Say which branch."))
    row = (
        db.connection()
        .execute(
            sa.select(BoardTotal.__table__).where(
                _total.board == key, _total.period == period, _total.subject_id == branch_id
            )
        )
        .first()
    )
    if row is None:
        raise NotFound
    method = board(db.session().get_one(Board, key), language)
    shown = {
        "value": row.points / 100, "sum_points": row.sum_points, "participants": row.participants,
    }  # fmt: skip
    small = row.heads < FEW_PEOPLE
    return {
        "branch_id": branch_id,
        "method": method["value"],
        "says": method["says"],
        "heads": row.heads,
        "band": boards.band(row.heads),
        "small": small,
        **(dict.fromkeys(shown) if small else shown),
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
