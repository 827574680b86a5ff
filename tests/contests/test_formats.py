"""Question files: what organisers have, and what is wrong with it."""

import time
import zipfile
from io import BytesIO

import pytest

from api.contests.formats.drafts import ParsedQuestion, fingerprint
from api.contests.formats.questions import Parsed, read_questions
from api.core import tables
from api.core.tables import UnreadableFile

TEXT = """1. 发现有人触电时，第一步应当做什么？
A. 用手把他拉开
B、切断电源
C．泼水降温
答案：B
解析：先断电，
再救人。
题型：单选
主题：安全生产
难度：易

（2）下列哪些属于清洁能源？
A）风能
B）煤炭
C）太阳能
答案：A、C

3、灭火器应当每年检查。
答案：√

急救电话是 __，报警电话是__。
答案：120|110;一一零

The capital letter after A is (B).
A. A
B. B
"""


def read(text: str, name: str = "questions.txt") -> Parsed:
    return read_questions(text.encode(), name)


def test_the_plain_text_of_organisers_is_understood() -> None:
    parsed = read(TEXT)
    assert parsed.errors == []
    kinds = [(q.kind, q.key) for q in parsed.questions]
    assert kinds == [
        ("single", (1,)),
        ("multiple", (0, 2)),
        ("true_false", ("true",)),
        ("fill_in", (("120",), ("110", "一一零"))),
        ("single", (1,)),
    ]
    first, last = parsed.questions[0], parsed.questions[-1]
    assert first.stem == "发现有人触电时，第一步应当做什么？"
    assert first.options == ("用手把他拉开", "切断电源", "泼水降温")
    assert first.explanation == "先断电，\n再救人。"
    assert (first.topic, first.difficulty, first.row) == ("安全生产", "easy", 1)
    assert "B" not in last.stem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_are_recognised(encoding: str) -> None:
    assert len(read_questions(TEXT.encode(encoding), "q.txt").questions) == 5


@pytest.mark.parametrize(
    ("text", "row", "column", "says"),
    [
        ("Q?\nA. x\nB. y\nAnswer: C", 4, "answer", "names option C"),
        ("Q?\nA. x\nAnswer: A", 1, "options", "2 to 26"),
        ("Q?\nA. x\nB. y", 1, "answer", "no answer"),
        ("Q?\nA. x\nB. y\nAnswer: A\n题型：问答", 5, "kind", "One of"),
        ("Q?\nA. x\nB. y\nAnswer: AB\n题型：单选", 4, "answer", "exactly one"),
        ("Q?\nA. x\nB. y\nAnswer: AA", 4, "answer", "once"),
        ("__ and __\nAnswer: one", 2, "answer", "2 blanks"),
        ("Is it?\nAnswer: maybe", 2, "answer", "true or false"),
        ("Q" * 2001 + "\nAnswer: true", 1, "stem", "2000"),
        ("Q?\nA. x\nB. " + "y" * 501 + "\nAnswer: A", 3, "option B", "500"),
        ("Q\x07?\nAnswer: true", 1, "stem", "Control"),
        ("Q?\nA. x\nB. y\nAnswer: A\n难度：奇难", 5, "difficulty", "One of"),
    ],
)
def test_mistakes_name_row_column_and_what_was_expected(
    text: str, row: int, column: str, says: str
) -> None:
    [error] = read(text).errors
    assert (error.row, error.column) == (row, column)
    assert says in str(error.text)


def test_a_27th_option_is_refused() -> None:
    lines = [f"{chr(65 + i)}. option {i}" for i in range(26)] + ["A. one too many"]
    [error] = read("\n".join(["Q?", *lines, "Answer: A"])).errors
    assert error.column == "options"


def test_tables_know_the_words_that_people_use() -> None:
    header = ["题型", "题目", "A", "B", "C", "正确答案", "答案解析", "知识点", "难度"]
    rows = [
        ["单选", "一加一？", 1, 2, 3, "B", "", "常识", "易"],
        ["判断", "水往低处流", "", "", "", "对", "", "常识", ""],
        ["填空", "一天有__小时", "", "", "", 24, "", "", "中"],
    ]
    parsed = read_questions(tables.write_xlsx(header, rows, "题库"), "q.xlsx")
    assert parsed.errors == []
    assert [q.key for q in parsed.questions] == [(1,), ("true",), (("24",),)]
    assert parsed.questions[0].options == ("1", "2", "3")
    assert parsed.questions[0].row == 2


def test_csv_with_semicolons_and_a_missing_column() -> None:
    good = "题干;选项A;选项B;答案\n一加一？;1;2;B\n"
    assert len(read(good, "q.csv").questions) == 1
    with pytest.raises(UnreadableFile, match="答案"):
        read("题干;选项A\nx;y\n", "q.csv")


def test_duplicates_are_flagged_whatever_the_punctuation() -> None:
    parsed = read("一 加 一？\n答案：对\n\n一加一。\n答案：对")
    assert parsed.duplicates == [(4, 1)]
    assert fingerprint("Ａ b", ["x", "y"]) == fingerprint("ab!", ["y", "x"])


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (60 * 1024 * 1024))
    with pytest.raises(UnreadableFile, match="unpack"):
        read_questions(bomb.getvalue(), "bomb.xlsx")


@pytest.mark.parametrize("content", [b"PK\x03\x04nonsense", b"", b"\xff\xfe\x00", b"\n\n"])
def test_what_is_no_question_file_says_so(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read_questions(content, "q.txt")


@pytest.mark.parametrize("piece", ["（", "__ ", "A. ", "答案：", "1. ", "(((", "； "])
def test_a_million_characters_take_linear_time(piece: str) -> None:
    text = "\n".join([(piece * 3000)[:9000]] * 110)
    began = time.perf_counter()
    read(text)
    assert time.perf_counter() - began < 4


def test_a_written_cell_never_becomes_a_formula_and_reads_back_the_same() -> None:
    cells = ["=cmd()", "+1", "-1", "@x", "plain", "'quoted"]
    content = tables.write_xlsx(["a"], [[cell] for cell in cells], "s")
    read_back = [row[0] for _number, row in tables.open_table(content)][1:]
    assert read_back == cells
    assert isinstance(read_questions(TEXT.encode(), "x").questions[0], ParsedQuestion)
