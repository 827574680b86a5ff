"""Question files in: xlsx, csv, and the plain text organisers have used for years."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from api.contests.formats.drafts import Draft, ParsedQuestion, RowError, checked, fingerprint
from api.core import tables
from api.core.i18n import _
from api.core.tables import UnreadableFile

MAX_QUESTIONS = 5000
MAX_LINE = 10_000
MAX_BYTES = 20 * 1024 * 1024

COLUMNS = {
    "kind": ("题型", "类型", "type"),
    "stem": ("题干", "题目", "试题", "question"),
    "answer": ("答案", "正确答案", "参考答案"),
    "explanation": ("解析", "答案解析", "说明"),
    "topic": ("主题", "知识点", "分类"),
    "difficulty": ("难度", "难易度"),
} | {f"option {letter}": (f"选项{letter}", letter, f"option{letter}") for letter in ascii_uppercase}
_FIELDS = {
    "答案": "answer", "正确答案": "answer", "参考答案": "answer", "answer": "answer",
    "解析": "explanation", "答案解析": "explanation", "explanation": "explanation",
    "题型": "kind", "类型": "kind", "kind": "kind", "type": "kind",
    "主题": "topic", "知识点": "topic", "topic": "topic",
    "难度": "difficulty", "difficulty": "difficulty",
}  # fmt: skip
_FIELD = re.compile(r"([^\s:：]{1,12})\s{0,5}[:：](.*)", re.DOTALL)
_OPTION = re.compile(r"([A-ZＡ-Ｚ])\s{0,5}[.．、:：)）](.*)", re.DOTALL)
_NUMBER = re.compile(r"(?:[（(]\d{1,5}[)）]|\d{1,5}\s{0,3}(?:[、．)）]|\.(?!\d)))\s{0,5}")


@dataclass(slots=True)
class Parsed:
    """A file's questions, what is wrong in it, and (row, row of the first) of its duplicates."""

    questions: list[ParsedQuestion] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)


def read_questions(content: bytes, name: str) -> Parsed:
    """Everything in a question file.  Raises UnreadableFile, also for more than 5 000 questions."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(_("A file may have {bytes} bytes.", bytes=MAX_BYTES))
    parsed = Parsed()
    first_rows: dict[str, int] = {}
    for count, draft in enumerate(_drafts(content, name), start=1):
        if count > MAX_QUESTIONS:
            raise UnreadableFile(_("A file may hold {count} questions.", count=MAX_QUESTIONS))
        result = checked(draft)
        if isinstance(result, RowError):
            parsed.errors.append(result)
            continue
        parsed.questions.append(result)
        mark = fingerprint(result.stem, result.options)
        if mark in first_rows:
            parsed.duplicates.append((result.row, first_rows[mark]))
        first_rows.setdefault(mark, result.row)
    if not parsed.questions and not parsed.errors:
        raise UnreadableFile(_("There are no questions in the file."))
    return parsed


def _drafts(content: bytes, name: str) -> Iterator[Draft]:
    if content.startswith(b"PK") or name.lower().endswith((".csv", ".xlsx")):
        return _table_drafts(content)
    return text_drafts(tables.decode(content))


def _table_drafts(content: bytes) -> Iterator[Draft]:
    rows = tables.open_table(content)
    _row, columns, _header = tables.find_header(rows, COLUMNS, ("stem", "answer"))
    for number, cells in rows:
        if any(cells):
            yield _row_draft(number, cells, columns)


def _row_draft(number: int, cells: Sequence[str], columns: dict[str, int]) -> Draft:
    def cell(name: str) -> str:
        index = columns.get(name)
        return cells[index] if index is not None and index < len(cells) else ""

    options = [cell(f"option {letter}") for letter in ascii_uppercase]
    while options and not options[-1]:
        options.pop()
    return Draft(
        row=number,
        stem=cell("stem"),
        options=options,
        answer=cell("answer"),
        explanation=cell("explanation"),
        kind=cell("kind"),
        topic=cell("topic"),
        difficulty=cell("difficulty"),
    )


def text_drafts(text: str) -> Iterator[Draft]:
    """Questions of a plain text: blocks of lines with an empty line between them."""
    block: list[tuple[int, str]] = []
    # Only the ends of lines that an editor counts, and not the others that Python knows.
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if len(line) > MAX_LINE:
            raise UnreadableFile(_("Line {line} is too long.", line=number))
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield _block_draft(block)
            block = []
    if block:
        yield _block_draft(block)


def _block_draft(block: Sequence[tuple[int, str]]) -> Draft:
    """Lines without a mark of their own belong to the field before them."""
    draft = Draft(row=block[0][0])
    current = "stem"
    for index, (number, line) in enumerate(block):
        name, text = _marked(line, index, len(draft.options))
        if name == "option":
            draft.options.append(text)
            draft.rows[f"option {chr(64 + min(len(draft.options), 26))}"] = number
        elif name:
            # Without an empty line between them, two questions would merge under the last answer.
            draft.repeated = draft.repeated or (name if name in draft.rows else "")
            setattr(draft, name, text)
            draft.rows[name] = number
        else:
            _continue(draft, current, text)
        current = name or current
    return draft


def _marked(line: str, index: int, options: int) -> tuple[str, str]:
    """(field, text) of a line; ("", line) where it goes on with the one before."""
    if index == 0:
        return "stem", line[found.end() :] if (found := _NUMBER.match(line)) else line
    if field_found := _FIELD.match(line):
        name = _FIELDS.get(field_found.group(1).casefold())
        if name:
            return name, field_found.group(2).strip()
    # Only the letter is folded: in the text, ㎡ and ① stay what they are.
    option_found = _OPTION.match(line)
    if option_found and _is_next(unicodedata.normalize("NFKC", option_found.group(1)), options):
        return "option", option_found.group(2).strip()
    return "", line


def misread(line: str, options: int) -> bool:
    """Whether a line that goes on with a field, behind `options` options, would begin another."""
    return _marked(line, 1, options)[0] != ""


def _is_next(letter: str, options: int) -> bool:
    """After Z nothing can follow; it is taken for an option all the same, to be refused."""
    return options >= len(ascii_uppercase) or letter == ascii_uppercase[options]


def _continue(draft: Draft, name: str, line: str) -> None:
    before = draft.options[-1] if name == "option" else getattr(draft, name) or ""
    # Copying a field that is too long anyway once a line would take quadratic time.
    if len(before) > MAX_LINE:
        return
    joined = f"{before}\n{line}".strip()
    if name == "option":
        draft.options[-1] = joined
    else:
        setattr(draft, name, joined)
