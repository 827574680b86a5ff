"""Question files as people really write them, and the mistakes that must not pass in silence."""

import time

import pytest

from api.contests.formats.drafts import fingerprint
from api.contests.formats.questions import MAX_QUESTIONS, Parsed, read_questions
from api.core import tables
from api.core.tables import UnreadableFile


def read(text: str) -> Parsed:
    return read_questions(text.encode(), "questions.txt")


@pytest.mark.parametrize("number", ["1.", "1、", "1．", "(1)", "（1）", "12)", ""])
def test_numbers_of_questions_are_left_out(number: str) -> None:
    [question] = read(f"{number} 水往低处流\n答案：对").questions
    assert question.stem == "水往低处流"


@pytest.mark.parametrize("mark", [".", "、", "．", ":", "：", ")", "）"])
@pytest.mark.parametrize("letters", ["AB", "ＡＢ"])
def test_options_in_all_spellings(mark: str, letters: str) -> None:
    lines = "\n".join(f"{letter}{mark} ㎡ 第{place}" for place, letter in enumerate(letters))
    [question] = read(f"题\n{lines}\n答案：{letters[1]}").questions
    assert (question.options, question.key) == (("㎡ 第0", "㎡ 第1"), (1,))


@pytest.mark.parametrize("answer", ["A;C", "AC", "A、C", "A,C", "A；C", "ＡＣ", "c a"])
def test_several_answers_in_all_spellings(answer: str) -> None:
    [question] = read(f"题\nA. x\nB. y\nC. z\n答案：{answer}").questions
    assert (question.kind, question.key) == ("multiple", (0, 2))


@pytest.mark.parametrize(
    ("word", "key"),
    [("正确", "true"), ("是", "true"), ("对", "true"), ("√", "true"), ("TRUE", "true"),
     ("T", "true"), ("错误", "false"), ("否", "false"), ("错", "false"), ("×", "false"),
     ("False", "false"), ("Ｆ", "false")],
)  # fmt: skip
def test_words_of_judgement(word: str, key: str) -> None:
    [after] = read(f"水往低处流\n答案：{word}").questions
    [inside] = read(f"水往低处流（{word}）").questions
    assert (after.kind, after.key) == (inside.kind, inside.key) == ("true_false", (key,))
    assert word not in inside.stem


def test_a_judgement_with_its_words_as_options() -> None:
    [question] = read("水往高处流\nA. 正确\nB. 错误\n答案：B\n题型：判断").questions
    assert (question.kind, question.key, question.options) == ("true_false", ("false",), ())


@pytest.mark.parametrize("inside", ["ACD", "A、C、D", "ＡＣＤ", " A C D "])
def test_the_answer_may_stand_in_the_brackets_of_the_stem(inside: str) -> None:
    [question] = read(f"清洁能源（含 3 种）有（{inside}）。\nA. x\nB. y\nC. z\nD. w").questions
    assert question.key == (0, 2, 3)
    assert question.stem == "清洁能源（含 3 种）有（ ）。"


def test_brackets_as_blanks() -> None:
    [question] = read("急救电话是（ ），火警是（  ）。\n答案：120|119；一一九").questions
    assert (question.kind, question.key) == ("fill_in", (("120",), ("119", "一一九")))


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        # Without an empty line between them the second key would become the first question's.
        ("题\nA. x\nB. y\n答案：A\n2. 题二\nA. u\nB. v\n答案：B", "answer", "empty line"),
        ("单位（A）的含义是（B）\nA. x\nB. y", "answer", "Several brackets"),
        ("题\nA. x\nB. y\n答案：；", "answer", "empty"),
        ("题\nA. x\nB. y\n答案：；\n题型：多选", "answer", "empty"),
        ("题\nA. x\nB. y\n答案：", "answer", "empty"),
        ("题 __\n答案：a\x07b", "answer", "Control"),
        ("题 __\n答案：" + "长" * 501, "answer", "500"),
        ("题 __\nA. x\nB. y\n答案：x\n题型：填空", "options", "no options"),
        ("题 __ __\n答案：a|", "answer", "at least one"),
        ("题\nA. x\nB.\n答案：A", "option B", "empty"),
        ("题\x85行\n答案：对", "stem", "Control"),
    ],
)
def test_what_would_give_a_wrong_key_is_an_error(text: str, column: str, says: str) -> None:
    [error] = read(text).errors
    assert (error.column, says in str(error.text)) == (column, True)
    assert len(error.value) <= 80


def test_a_wrong_question_does_not_hide_the_others() -> None:
    parsed = read("甲\n答案：对\n\n乙\n\n丙\n答案：错\n")
    assert [question.stem for question in parsed.questions] == ["甲", "丙"]
    assert [(error.row, error.column) for error in parsed.errors] == [(4, "answer")]


def test_control_characters_of_a_sheet_are_refused() -> None:
    content = tables.write_xlsx(["题干", "答案"], [["题 __", "a\x00b"]], "s")
    [error] = read_questions(content, "q.xlsx").errors
    assert (error.row, error.column) == (2, "answer")


def test_more_questions_than_a_file_may_hold() -> None:
    block = "题\n答案：对\n\n"
    assert len(read(block * MAX_QUESTIONS).questions) == MAX_QUESTIONS
    with pytest.raises(UnreadableFile):
        read(block * (MAX_QUESTIONS + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("安全距离为1.5m", "安全距离为15m"),
        ("浓度为5%", "浓度为5"),
        ("温度 -5 度", "温度 5 度"),
        ("3 > 5", "3 < 5"),
        ("A + B", "A × B"),
    ],
)
def test_what_tells_two_questions_apart_is_kept(one: str, other: str) -> None:
    assert fingerprint(one, []) != fingerprint(other, [])


@pytest.mark.parametrize(
    ("one", "other"),
    [("一 加 一？", "一加一。"), ("ＡＢ", "a b"), ("题（ ）", "题____"), ("“甲”、乙", "甲乙")],
)
def test_writings_of_one_question_are_the_same(one: str, other: str) -> None:
    assert fingerprint(one, ["b", "C"]) == fingerprint(other, ["c", "B"])


@pytest.mark.parametrize(
    "line", ["a", "答案：A", "A. x", "（", "__", "（A", "1.", "Z. x", ";|", "(" * 50]
)
def test_a_million_characters_in_one_block_take_linear_time(line: str) -> None:
    text = f"{line}\n" * (10**6 // (len(line) + 1))
    began = time.perf_counter()
    read(f"题\n{text}")
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("piece", ["a", "（A", "；", "__", "答案："])
def test_a_line_of_a_million_characters_is_refused(piece: str) -> None:
    with pytest.raises(UnreadableFile):
        read(piece * (10**6 // len(piece)))
