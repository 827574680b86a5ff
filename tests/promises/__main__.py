"""`python -m tests.promises`: every promise with all its rounds, as a table."""

import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PROMISE = re.compile(r"test_p(\d+[a-z]?)_")


class Results:
    """Counts outcomes by promise."""

    def __init__(self) -> None:
        self.passed: dict[str, int] = defaultdict(int)
        self.failed: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = PROMISE.search(report.nodeid.rpartition("::")[2])
        if found and report.failed:
            self.failed[found.group(1)].append(report.nodeid)
        elif found and report.when == "call" and report.passed:
            self.passed[found.group(1)] += 1


def main(arguments: list[str]) -> int:
    """Run and print; returns pytest's exit code."""
    os.environ.setdefault("LEITAI_ROUNDS", "full")
    results = Results()
    code = pytest.main(
        ["-q", str(HERE), str(HERE.parent / "points"), *arguments], plugins=[results]
    )
    table = Table("promise", "tests", "result")
    for number in sorted({*results.passed, *results.failed}, key=lambda n: int(n.rstrip("abc"))):
        failed = len(results.failed[number])
        outcome = "kept" if not failed else f"BROKEN ({failed})"
        table.add_row(f"P{int(number)}", str(results.passed[number] + failed), outcome)
    Console().print(table)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
