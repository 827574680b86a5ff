"""Marking, shuffling and ranking as pure functions."""

from datetime import UTC, datetime, timedelta
from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contests.rules import marking, papers, ranking, review, timing
from api.contests.rules.marking import Question
from tests.contests.questions import BLANKS, MULTIPLE, SINGLE, TRUTH

SEEDS = st.binary(min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("question", "answer", "points"),
    [
        (SINGLE, ["B"], 500),
        (SINGLE, ["A"], 0),
        (SINGLE, [], 0),
        (MULTIPLE, ["D", "A"], 500),
        (MULTIPLE, ["A"], 0),
        (MULTIPLE, ["A", "B", "D"], 0),
        (TRUTH, ["false"], 500),
        (TRUTH, ["true"], 0),
        (BLANKS, ["30", "two"], 500),
        (BLANKS, ["３０", "  TWO "], 500),
        (BLANKS, ["thirty", "three"], 250),
        (BLANKS, ["", ""], 0),
    ],
)
def test_marks(question: Question, answer: list[str], points: int) -> None:
    assert marking.mark(question, range(len(question.options)), answer) == points


def test_blanks_share_points_without_losing_any() -> None:
    question = Question("fill_in", "__ __ __", (), (("a",), ("b",), ("c",)), 500)
    shares = [
        marking.mark(question, (), answer)
        for answer in (["a", "", ""], ["", "b", ""], ["", "", "c"])
    ]
    assert shares == [167, 167, 166]
    assert marking.mark(question, (), ["a", "b", "c"]) == 500


@given(SEEDS)
def test_the_shuffle_never_changes_the_mark(seed: bytes) -> None:
    for question in (SINGLE, MULTIPLE):
        [slot] = papers.layout(seed, [(1, question)], shuffle_questions=True, shuffle_options=True)
        right = [
            ascii_uppercase[shown]
            for shown, original in enumerate(slot.permutation)
            if original in question.key
        ]
        assert marking.mark(question, slot.permutation, right) == question.points_hundredths
        assert marking.shown_key(question, slot.permutation) == right


@pytest.mark.parametrize(
    ("kind", "options", "blanks", "answer", "reason"),
    [
        ("single", 4, 0, ["E"], "unknown_option"),
        ("single", 4, 0, ["AB"], "unknown_option"),
        ("single", 4, 0, ["a"], "unknown_option"),
        ("single", 4, 0, ["A", "B"], "too_many"),
        ("multiple", 4, 0, ["A", "A"], "duplicate_option"),
        ("multiple", 4, 0, ["A", "B"], None),
        ("true_false", 0, 0, ["yes"], "not_a_judgement"),
        ("true_false", 0, 0, ["true"], None),
        ("fill_in", 0, 2, ["x"], "wrong_blank_count"),
        ("fill_in", 0, 1, ["x" * 501], "too_long"),
        ("fill_in", 0, 1, [], None),
    ],
)
def test_answers_that_do_not_fit(
    kind: str, options: int, blanks: int, answer: list[str], reason: str | None
) -> None:
    assert marking.validate_answer(kind, options, blanks, answer) == reason


@given(SEEDS, st.integers(0, 60), st.data())
def test_a_draw_is_a_sample_without_replacement(
    seed: bytes, size: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, size))
    drawn = papers.draw(range(size), count, seed)
    assert len(drawn) == len(set(drawn)) == count
    assert set(drawn) <= set(range(size))
    assert drawn == papers.draw(range(size), count, seed)


def test_the_shuffle_is_the_same_for_ever() -> None:
    """Stored attempts depend on it: a change here would change papers that people have seen."""
    assert papers.shuffled(range(10), b"seed", b"questions") == [0, 7, 2, 3, 8, 9, 1, 6, 5, 4]


def test_every_order_is_about_equally_likely() -> None:
    firsts = [papers.shuffled("ABCD", b"%d" % n, b"options")[0] for n in range(4000)]
    assert all(850 < firsts.count(letter) < 1150 for letter in "ABCD")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_ranks_do_not_depend_on_order_or_batches(
    scores: list[tuple[int, int]], batch: int, shuffler: object
) -> None:
    rows = [ranking.Scored(f"m{i:02}", score, share) for i, (score, share) in enumerate(scores)]
    whole = ranking.ranked(rows)
    mixed = list(rows)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert ranking.ranked(mixed) == whole
    ordered = [ranking.Scored(p.member_id, p.score_hundredths, p.time_share) for p in whole]
    pieces: list[ranking.Placed] = []
    for start in range(0, len(ordered), batch):
        last = pieces[-1] if pieces else None
        pieces += ranking.place(ordered[start : start + batch], last)
    assert pieces == whole


def test_ties_are_broken_by_time_share_and_then_shared() -> None:
    rows = [
        ranking.Scored("a", 9000, 500),
        ranking.Scored("b", 9000, 400),
        ranking.Scored("c", 8000, 100),
        ranking.Scored("d", 9000, 500),
        ranking.Scored("e", 7000, 100),
    ]
    placed = [(p.member_id, p.rank, p.rule) for p in ranking.ranked(rows)]
    assert placed == [
        ("b", 1, "score"),
        ("a", 2, "time_share"),
        ("d", 2, "shared"),
        ("c", 4, "score"),
        ("e", 5, "score"),
    ]


def test_branches_are_ranked_among_those_of_like_size() -> None:
    rows = [
        ranking.BranchScore("small", 8, 8, 8 * 5000),
        ranking.BranchScore("a", 20, 10, 10 * 8000),
        ranking.BranchScore("b", 20, 20, 20 * 6000),
        ranking.BranchScore("c", 40, 20, 20 * 6000),
        ranking.BranchScore("d", 25, 0, 0),
    ]
    places = ranking.branch_ranking(rows, max_hundredths=10000, participation_percent=50)
    found = {p.branch_id: (p.band, p.rank, p.value_ppm) for p in places}
    assert found == {
        "small": ("1-10", 1, 750000),
        "b": ("11-30", 1, 800000),
        "a": ("11-30", 2, 650000),
        "d": ("11-30", 3, 0),
        "c": ("31-100", 1, 550000),
    }


def test_while_an_attempt_runs_only_its_own_answers_are_shown() -> None:
    for preset in review.PRESETS:
        assert review.visible_fields(preset, "during") == {"own_answer"}
    assert review.visible_fields("after_close", "after_submit") == {"own_answer", "score"}
    assert "key" in review.visible_fields("after_close", "after_close")


def test_the_deadline_and_the_grace_are_inclusive() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    closes = start + timedelta(hours=1)
    end = timing.deadline(start, 600, closes, 50)
    assert end == start + timedelta(minutes=15)
    assert timing.deadline(closes - timedelta(minutes=5), 600, closes, 0) == closes
    tick = timedelta(milliseconds=1)
    moments = [end - tick, end, end + tick, end + timedelta(seconds=5)]
    assert [timing.verdict(at, end, 5) for at in moments] == [
        "in_time", "in_time", "in_grace", "in_grace",
    ]  # fmt: skip
    assert timing.verdict(end + timedelta(seconds=5) + tick, end, 5) == "late"
