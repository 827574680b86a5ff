"""`python -m tests.promises`: every promise with all its rounds, as a table.

Arguments are pytest's.  TEST_DATABASE_URL names a PostgreSQL server; `python -m tests.postgres`
starts one of its own.
"""

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
TEST = re.compile(r"test_p(\d+)[a-z]?_")
PROMISE = re.compile(r"P(\d+)[a-z]?: (.+?)\.(\s|$)", re.DOTALL)


class Results:
    """What each promise says, and how its tests ended."""

    def __init__(self) -> None:
        self.says: dict[int, str] = {}
        self.passed: dict[int, int] = defaultdict(int)
        self.failed: dict[int, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            number = _number(item.nodeid)
            for told, text in _texts(item):
                if told == number:
                    self.says.setdefault(number, text)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        number = _number(report.nodeid)
        if number is not None and report.failed:
            self.failed[number].append(report.nodeid)
        elif number is not None and report.when == "call" and report.passed:
            self.passed[number] += 1

    def table(self) -> Table:
        table = Table("number", "promise", "tests", "result")
        for number in sorted({*self.passed, *self.failed}):
            broken = len(self.failed[number])
            outcome = f"[red]BROKEN ({broken})[/red]" if broken else "kept"
            tests = str(self.passed[number] + broken)
            table.add_row(f"P{number}", self.says.get(number, ""), tests, outcome)
        return table


def _number(nodeid: str) -> int | None:
    found = TEST.search(nodeid.rpartition("::")[2])
    return int(found.group(1)) if found else None


def _texts(item: pytest.Item) -> Iterator[tuple[int, str]]:
    """(number, promise) as the test's module, or else the test itself, puts it."""
    module, test = getattr(item, "module", None), getattr(item, "function", None)
    for text in (module.__doc__, test.__doc__):
        found = PROMISE.match(text or "")
        if found:
            yield int(found.group(1)), " ".join(found.group(2).split())


def main(arguments: list[str]) -> int:
    """Run and print; returns pytest's exit code."""
    os.environ.setdefault("LEITAI_ROUNDS", "full")
    results = Results()
    places = [str(HERE), str(HERE.parent / "points")]
    code = pytest.main(["-q", *places, *arguments], plugins=[results])
    Console().print(results.table())
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
