"""What is written out reads back as the same questions."""

from dataclasses import replace
from string import ascii_uppercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.contests.formats.drafts import ParsedQuestion
from api.contests.formats.exports import questions_to_rows, questions_to_text
from api.contests.formats.questions import Parsed, read_questions
from api.core import tables

# Letters, digits, signs of the format itself, formulas, and what normalising would change.
SIGNS = "题aB1２.、:：)（）()_-=+@'\"#㎡① ,;"
# Tokens that look like parts of the format are more likely than from single characters.
WORDS = st.sampled_from(
    ["A.", "B、", "答案：A", "解析：", "1.", "题型：", "（B）", "__", "主题：x"]
)
LINE = st.lists(WORDS | st.text(SIGNS, min_size=1, max_size=6), min_size=1, max_size=4).map(
    lambda parts: "".join(parts).strip()
)
TEXT = LINE.filter(bool)
ACCEPTED = st.text("题aB1２.、:：-=+㎡①", min_size=1, max_size=8)
DIFFICULTY = st.sampled_from(["easy", "medium", "hard"])


@st.composite
def questions(draw: st.DrawFn) -> ParsedQuestion:
    """Any question the import could have made, of single-line texts."""
    kind = draw(st.sampled_from(["single", "multiple", "true_false", "fill_in"]))
    stem, options, key = draw(TEXT), (), ()
    if kind == "true_false":
        key = (draw(st.sampled_from(["true", "false"])),)
    elif kind == "fill_in":
        key = tuple(tuple(draw(st.lists(ACCEPTED, min_size=1, max_size=3))) for _blank in "ab")
        stem = f"甲 ___ 乙 ___ {stem.replace('_', '')}".strip()
    else:
        options = tuple(draw(st.lists(TEXT, min_size=2, max_size=26)))
        most = 1 if kind == "single" else len(options)
        chosen = st.sets(st.integers(0, len(options) - 1), min_size=1, max_size=most)
        key = tuple(sorted(draw(chosen)))
    return ParsedQuestion(
        kind=kind,
        stem=stem,
        options=options,
        key=key,
        explanation=draw(TEXT | st.just("")),
        topic=draw(TEXT | st.just("")),
        difficulty=draw(DIFFICULTY),
        row=0,
    )


def without_rows(parsed: Parsed) -> list[ParsedQuestion]:
    assert parsed.errors == []
    return [replace(question, row=0) for question in parsed.questions]


@settings(deadline=None)
@given(st.lists(questions(), min_size=1, max_size=4))
def test_text_reads_back_as_the_same_questions(written: list[ParsedQuestion]) -> None:
    text = questions_to_text(written)
    assert without_rows(read_questions(text.encode(), "q.txt")) == written


@settings(deadline=None)
@given(st.lists(questions(), min_size=1, max_size=4))
def test_a_table_reads_back_as_the_same_questions(written: list[ParsedQuestion]) -> None:
    header, rows = questions_to_rows(written)
    content = tables.write_xlsx(header, rows, "题库")
    assert without_rows(read_questions(content, "q.xlsx")) == written


SAMPLE = ParsedQuestion("single", "题", ("x", "y"), (1,), "", "", "medium", 0)


def test_fields_of_several_lines() -> None:
    written = [replace(SAMPLE, stem="题\n第二行", options=("x\n2", "y"), explanation="因为\n所以")]
    assert without_rows(read_questions(questions_to_text(written).encode(), "q")) == written


@pytest.mark.parametrize(
    "stem", ["题\n\n行", "题\nA. 不是选项", "题\n答案：不是", "题\r\n \r\n行", "题\n难度：易"]
)
def test_lines_that_would_be_misread_are_joined(stem: str) -> None:
    text = questions_to_text([replace(SAMPLE, stem=stem)])
    [question] = without_rows(read_questions(text.encode(), "q.txt"))
    assert "".join(question.stem.split()) == "".join(stem.split())
    assert (question.options, question.key) == (SAMPLE.options, SAMPLE.key)


def test_a_full_set_of_options_in_rows() -> None:
    header, [row] = questions_to_rows([replace(SAMPLE, options=tuple(ascii_uppercase), key=(25,))])
    assert header[2:28] == [f"选项{letter}" for letter in ascii_uppercase]
    assert row[28] == "Z"
    assert len(questions_to_rows([])[0]) == 10


@pytest.mark.parametrize("text", ["a;b", "a；b", "a|b", "a｜b"])
def test_an_accepted_text_that_cannot_be_written_is_refused(text: str) -> None:
    question = replace(SAMPLE, kind="fill_in", stem="__", options=(), key=((text,),))
    with pytest.raises(ValueError, match="can't be written"):
        questions_to_text([question])
