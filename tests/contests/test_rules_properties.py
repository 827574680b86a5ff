"""What holds for every seed, every answer and every order of the rows."""

import random
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contests.rules import marking, papers, ranking
from api.contests.rules.marking import Question
from tests.contests.questions import BLANKS, MULTIPLE, SINGLE, TRUTH

SEEDS = st.binary(min_size=1, max_size=40)
LETTERS = "ABCD"
# Stored attempts depend on these: with another shuffle, people would not find the paper they saw.
GOLDEN_LAYOUT = [(0, (0, 2, 1, 3)), (1, (2, 1, 3, 0)), (2, ()), (3, ())]
GOLDEN_DRAW = [72, 77, 6, 20, 2]


@dataclass(frozen=True)
class Try:
    """An attempt as ranking sees it."""

    number: int
    score_hundredths: int
    time_share: int


@given(SEEDS, st.booleans(), st.booleans())
def test_a_layout_holds_each_question_once_and_each_option_once(
    seed: bytes, shuffle_questions: bool, shuffle_options: bool
) -> None:
    pool = list(enumerate((SINGLE, MULTIPLE, TRUTH, BLANKS) * 3))
    slots = papers.layout(
        seed, pool, shuffle_questions=shuffle_questions, shuffle_options=shuffle_options
    )
    assert sorted(slot.question_id for slot in slots) == [number for number, _question in pool]
    by_id = dict(pool)
    for slot in slots:
        question = by_id[slot.question_id]
        assert sorted(slot.permutation) == list(range(len(question.options)))
        if not shuffle_options:
            assert list(slot.permutation) == sorted(slot.permutation)
    if not shuffle_questions:
        assert [slot.question_id for slot in slots] == sorted(by_id)


def test_a_layout_is_the_same_for_ever() -> None:
    pool = list(enumerate((SINGLE, MULTIPLE, TRUTH, BLANKS)))
    slots = papers.layout(b"seed", pool, shuffle_questions=True, shuffle_options=True)
    assert [(slot.question_id, slot.permutation) for slot in slots] == GOLDEN_LAYOUT
    assert papers.draw(range(100), 5, b"seed") == GOLDEN_DRAW


def test_more_than_there_is_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        papers.draw("ab", 3, b"seed")


def test_each_pair_is_drawn_about_equally_often() -> None:
    pairs = [frozenset(papers.draw(range(5), 2, b"%d" % n)) for n in range(5000)]
    counts = [pairs.count(frozenset((a, b))) for a in range(5) for b in range(a)]
    assert all(400 < count < 600 for count in counts)


@given(SEEDS, st.sets(st.integers(0, 3), min_size=1))
def test_the_same_options_chosen_earn_the_same_in_every_order(
    seed: bytes, chosen: set[int]
) -> None:
    for question in (SINGLE, MULTIPLE):
        [slot] = papers.layout(seed, [(7, question)], shuffle_questions=True, shuffle_options=True)
        answer = [LETTERS[slot.permutation.index(index)] for index in chosen]
        plain = [LETTERS[index] for index in chosen]
        assert marking.mark(question, slot.permutation, answer) == marking.mark(
            question, range(4), plain
        )


@given(st.lists(st.text(max_size=20), min_size=2, max_size=2), st.integers(0, 10**6))
def test_a_mark_lies_between_nothing_and_the_points(answer: list[str], points: int) -> None:
    question = Question("fill_in", "__ __", (), (("a",), ("b",)), points)
    assert 0 <= marking.mark(question, (), answer) <= points


def test_another_rule_may_give_a_part() -> None:
    def half(chosen: frozenset[int], right: frozenset[int], points: int) -> int:
        return points if chosen == right else points // 2 if chosen < right else 0

    earned = [marking.mark(MULTIPLE, range(4), list(a), half) for a in ("AD", "A", "AB")]
    assert earned == [500, 250, 0]


@pytest.mark.parametrize(("rule", "number"), [("best", 2), ("first", 1), ("last", 4)])
def test_the_attempt_that_counts(rule: str, number: int) -> None:
    tries = [Try(3, 900, 20), Try(1, 800, 5), Try(4, 100, 1), Try(2, 900, 10)]
    for _round in range(10):
        random.shuffle(tries)
        assert ranking.counted(tries, rule).number == number


def test_of_equal_attempts_the_earlier_counts() -> None:
    assert ranking.counted([Try(2, 900, 10), Try(1, 900, 10)], "best").number == 1


BRANCHES = st.lists(
    st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(0, 10_000)), max_size=20
)


@given(BRANCHES, st.integers(0, 100), st.randoms(use_true_random=False))
def test_branch_ranks_are_shared_by_equals_and_never_depend_on_order(
    drawn: list[tuple[int, int, int]], percent: int, shuffler: random.Random
) -> None:
    rows = [
        ranking.BranchScore(f"b{n:02}", eligible, min(eligible, some), min(eligible, some) * mean)
        for n, (eligible, some, mean) in enumerate(drawn)
    ]
    weights = {"max_hundredths": 10_000, "participation_percent": percent}
    places = ranking.branch_ranking(rows, **weights)
    shuffler.shuffle(rows)
    assert ranking.branch_ranking(rows, **weights) == places
    values = {row.branch_id: exact(row, percent) for row in rows if row.eligible}
    for place in places:
        rivals = [p for p in places if p.band == place.band]
        better = sum(values[p.branch_id] > values[place.branch_id] for p in rivals)
        assert place.rank == better + 1
        assert place.tie_break["value"] == f"{place.value_ppm / 10**6:.6f}"
        assert place.has_few_people == (place.eligible < 10)


def exact(row: ranking.BranchScore, percent: int) -> Fraction:
    """A branch's value, calculated another way."""
    mean = Fraction(row.sum_hundredths, row.participants) if row.participants else Fraction(0)
    return (
        percent * Fraction(row.participants, row.eligible) + (100 - percent) * mean / 10_000
    ) / 100


@pytest.mark.parametrize(
    ("people", "band"),
    [(1, "1-10"), (10, "1-10"), (11, "11-30"), (30, "11-30"), (31, "31-100"), (100, "31-100"),
     (101, "101+")],
)  # fmt: skip
def test_size_bands(people: int, band: str) -> None:
    assert ranking.size_band(people) == band
