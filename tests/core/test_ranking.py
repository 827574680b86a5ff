"""Competition ranks, whole and in stretches."""

from hypothesis import given
from hypothesis import strategies as st

from api.core.ranking import Standing, competition

VALUES = st.lists(st.integers(-3, 6), max_size=30).map(lambda v: sorted(v, reverse=True))


@given(VALUES)
def test_a_rank_is_one_more_than_those_above(values: list[int]) -> None:
    for value, standing in zip(values, competition(values), strict=True):
        assert standing.rank == 1 + sum(other > value for other in values)


@given(VALUES, st.integers(1, 7))
def test_a_board_in_pages_is_the_whole_board(values: list[int], size: int) -> None:
    """Given the rank of its first row, a page says what the whole board says."""
    whole, pages = competition(values), []
    for start in range(0, len(values), size):
        first = whole[start].rank or 0
        pages += competition(values[start : start + size], first=first, before=start)
    assert pages == whole


def test_equals_share_and_the_next_skips() -> None:
    assert competition([9, 7, 7, 5]) == [
        Standing(1, False),
        Standing(2, False),
        Standing(2, True),
        Standing(4, False),
    ]


def test_without_the_first_rank_no_rank_is_known() -> None:
    assert competition([9, 9, 7], first=0, before=40) == [
        Standing(None, False),
        Standing(None, True),
        Standing(None, False),
    ]
