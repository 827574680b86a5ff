"""Words and passwords: pure rules."""

from datetime import date

import pytest

from api.org import rules


@pytest.mark.parametrize(
    ("cell", "number"),
    [("00017", "00017"), ("17.0", "17"), ("17.00", "17"), ("17.5", "17.5"), ("A.0", "A.0"),
     ("", ""), ("17.", "17.")],
)  # fmt: skip
def test_numbers_keep_their_zeros(cell: str, number: str) -> None:
    assert rules.roster_number(cell) == number


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2020-01-05", date(2020, 1, 5)), ("2020/1/5", date(2020, 1, 5)),
        ("2020.1.5", date(2020, 1, 5)), ("20200105", date(2020, 1, 5)),
        ("2020年1月5日", date(2020, 1, 5)), ("2020-01-05 00:00:00", date(2020, 1, 5)),
        ("43835", date(2020, 1, 5)), ("2020-02-30", None), ("1900-01-01", None), ("soon", None),
        ("", None), ("99999", None), ("２０２０-01-05", date(2020, 1, 5)),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(cell: str, day: date | None) -> None:
    assert rules.roster_date(cell) == day


@pytest.mark.parametrize(
    ("cell", "status"),
    [("在岗", "active"), ("", "active"), ("long_leave", "long_leave"), ("LEFT", "left"),
     ("离职", "left"), ("退休", "retired"), ("sleeping", None)],
)  # fmt: skip
def test_status_words(cell: str, status: str | None) -> None:
    assert rules.roster_status(cell) == status


def test_slips_are_compared_as_they_are_read() -> None:
    stored = rules.slip_hash("key", "member", "abcde-fghjk-mnpqr")
    assert rules.slip_hash("key", "member", " ABCDE FGHJK MNPQR ") == stored
    assert rules.slip_hash("other", "member", "abcde-fghjk-mnpqr") != stored
    assert rules.slip_hash("key", "somebody", "abcde-fghjk-mnpqr") != stored
