"""Looking things up in the sample's roster."""

import csv
from pathlib import Path

ROSTER = Path(__file__).parent / "roster.csv"


def name_of(company: str, number: str) -> str:
    """The name that the roster has for a number."""
    with ROSTER.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if (row["公司代码"], row["工号"]) == (company, number):
                return row["姓名"]
    raise LookupError(number)
