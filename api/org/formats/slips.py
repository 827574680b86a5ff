"""Slips with first passwords, to print."""

from collections.abc import Iterable
from typing import Any

from api.core import tables
from api.core.i18n import _

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SLIP_COLUMNS = (
    _("Company code"), _("Number"), _("Name"), _("Password, good once"), _("Good until"),
)  # fmt: skip


def slips_xlsx(slips: Iterable[Any], company_codes: dict[str, str], language: str) -> bytes:
    """Slips to print and cut up: one row each.  `company_codes` by member."""
    header = [column.in_language(language) for column in SLIP_COLUMNS]
    rows = (
        [company_codes[slip.member_id], slip.number, slip.name, slip.password,
         slip.expires_at.date().isoformat()]
        for slip in slips
    )  # fmt: skip
    return tables.write_xlsx(header, rows, _("Slips").in_language(language))
