"""Questions out: the text and the table that the import reads back."""

import re
from collections.abc import Iterable, Sequence
from string import ascii_uppercase

from api.contests.formats.drafts import DIFFICULTIES, KINDS, ParsedQuestion
from api.contests.formats.questions import misread

FEWEST_OPTION_COLUMNS = 4
_SEPARATOR = re.compile(r"[;；|｜]")


def questions_to_text(questions: Iterable[ParsedQuestion]) -> str:
    """The questions as plain text, an empty line between them.

    Text that only a table can hold - an empty line inside a field, or one that the import would
    take for a field's beginning - is joined to the line before.  Raises ValueError; see
    `answer_text`.
    """
    blocks = (_block(number, question) for number, question in enumerate(questions, start=1))
    return "\n".join(blocks)


def _block(number: int, question: ParsedQuestion) -> str:
    options = zip(ascii_uppercase, question.options, strict=False)
    lines = [
        f"{number}. {_lines(question.stem, 0)}",
        *(f"{label}. {_lines(text, place)}" for place, (label, text) in enumerate(options, 1)),
        f"答案：{answer_text(question)}",
        f"题型：{KINDS[question.kind][0]}",
        f"难度：{DIFFICULTIES[question.difficulty][0]}",
    ]
    if question.topic:
        lines.append(f"主题：{_lines(question.topic, len(question.options))}")
    if question.explanation:
        lines.append(f"解析：{_lines(question.explanation, len(question.options))}")
    return "\n".join(lines) + "\n"


def _lines(text: str, options: int) -> str:
    """A field's lines; `options`: how many stand before it."""
    kept: list[str] = []
    for part in re.split(r"\r\n|\r|\n", text):
        line = part.strip()
        if line and kept and misread(line, options):
            kept[-1] += f" {line}"
        elif line:
            kept.append(line)
    return "\n".join(kept)


def answer_text(question: ParsedQuestion) -> str:
    """The key as people write it: ACD, 正确, or alternatives; of | each blank.

    Raises ValueError for an alternative that itself holds a separator, which can't be written.
    """
    if question.kind == "true_false":
        return "正确" if question.key == ("true",) else "错误"
    if question.kind == "fill_in":
        return "|".join(";".join(_whole(text) for text in blank) for blank in question.key)
    return "".join(ascii_uppercase[index] for index in question.key)


def _whole(text: str) -> str:
    if _SEPARATOR.search(text):
        raise ValueError(f"{text!r} can't be written as one accepted text")
    return " ".join(text.split())


def questions_to_rows(questions: Sequence[ParsedQuestion]) -> tuple[list[str], list[list[str]]]:
    """(header, rows) for `tables.write_xlsx`, which neutralises formulas.

    Raises ValueError; see `answer_text`.
    """
    longest = max((len(question.options) for question in questions), default=0)
    labels = ascii_uppercase[: max(FEWEST_OPTION_COLUMNS, longest)]
    header = [
        "题型",
        "题干",
        *(f"选项{letter}" for letter in labels),
        "答案",
        "解析",
        "主题",
        "难度",
    ]
    return header, [_row(question, len(labels)) for question in questions]


def _row(question: ParsedQuestion, width: int) -> list[str]:
    empty = [""] * (width - len(question.options))
    return [
        KINDS[question.kind][0],
        question.stem,
        *question.options,
        *empty,
        answer_text(question),
        question.explanation,
        question.topic,
        DIFFICULTIES[question.difficulty][0],
    ]
