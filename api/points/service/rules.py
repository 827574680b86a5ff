"""Making versions of point rules: dated, checked, never changed afterwards."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.core import auth, clock, db
from api.core.errors import Conflict, Problem, invalid
from api.core.i18n import Text, _
from api.points.models import PointRule
from api.points.queries import catalogue
from api.points.rules.facts import BadRule, check

PRESETS = Path(__file__).parents[1] / "presets" / "rules.json"
NOTICE = timedelta(seconds=5)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Why a rule is refused, marked for translation here: rules.py knows no languages.
_REASONS = (
    _("caps are by item, day, week or month"),
    _("a cap is a number from 1 to {most}"),
    _("weekdays are numbers from 1 (Monday) to 7"),
    _("its caps allow more than {most} points a year"),
    _("a formula is fixed (amount) or a share (of, out_of, max_amount)"),
    _("the kind of fact is one of {kinds}"),
    _("a share is of {known}"),
    _("an amount is a whole number from 1 to {most}"),
)


class UnsoundRule(Problem):
    code, status = "unsound-point-rule", 422
    title = _("This point rule makes no sense or has no bound.")


def install_presets() -> None:
    """Add the rules every installation starts with; those already there stay as they are."""
    for preset in json.loads(PRESETS.read_text(encoding="utf-8")):
        values = {
            "version": 1, "weekdays": None, "active": True, "effective_from": _EPOCH,
            "created_at": clock.now(), **preset,
        }  # fmt: skip
        statement = db.insert(PointRule).values(values)
        db.connection().execute(
            statement.on_conflict_do_nothing(index_elements=["code", "version"])
        )


def add_version(data: dict[str, Any], *, dry_run: bool) -> PointRule:
    """The next version of a rule.  Takes effect `effective_from`, at the earliest in five seconds,
    so that every process knows it by then.  Raises UnsoundRule, Invalid."""
    earliest = clock.now() + NOTICE
    effective_from = data.pop("effective_from") or earliest
    if effective_from < earliest:
        raise invalid("effective_from", _("A rule can't take effect in the past."))
    newest = db.session().scalar(
        sa.select(sa.func.max(PointRule.version)).where(PointRule.code == data["code"])
    )
    row = PointRule(
        **data,
        version=(newest or 0) + 1,
        effective_from=effective_from,
        created_by=auth.principal().member_id,
        created_at=clock.now(),
    )
    _check(row)
    if not dry_run:
        _insert(row)
    return row


def _insert(row: PointRule) -> None:
    """Add the version; of two at once the second is refused."""
    table = PointRule.__table__.c
    values = {column.key: getattr(row, column.key) for column in table}
    statement = db.insert(PointRule).values(values).on_conflict_do_nothing()
    if db.connection().scalar(statement.returning(table.version)) is None:
        raise Conflict(_("Somebody made a version at the same moment. Look at it, then try again."))


def _check(row: PointRule) -> None:
    try:
        check(catalogue.as_rule(row))
    except BadRule as error:
        why = Text(error.template, error.params)
        raise UnsoundRule(_("The rule was refused: {why}.", why=why)) from error
