"""From the texts of one question, however it was written down, to a checked question.

The text and the table reader both end here, so that the same mistakes get the same words.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from api.contests.rules.marking import MAX_TEXT
from api.core.i18n import Text, _
from api.core.schemas import has_control_characters

MAX_OPTIONS = 26
MAX_STEM = 2000
MAX_OPTION = 500
MAX_EXPLANATION = 2000
MAX_TOPIC = 100
MAX_ANSWER = 10_000

KINDS = {
    "single": ("单选", "单选题", "单项选择", "单项选择题", "single", "single choice"),
    "multiple": ("多选", "多选题", "多项选择", "多项选择题", "multiple", "multiple choice"),
    "true_false": ("判断", "判断题", "是非题", "true_false", "true/false", "judgement"),
    "fill_in": ("填空", "填空题", "fill_in", "fill in", "blank"),
}
DIFFICULTIES = {
    "easy": ("易", "简单", "容易", "easy"),
    "medium": ("中", "中等", "一般", "medium", ""),
    "hard": ("难", "困难", "hard"),
}
TRUE_WORDS = ("正确", "是", "对", "√", "✓", "✔", "true", "t", "yes")
FALSE_WORDS = ("错误", "否", "错", "×", "✗", "✘", "false", "f", "no", "x")
BLANK = re.compile(r"_{2,}")
_IN_BRACKETS = re.compile(r"[（(]([^（()）]{1,60})[)）]")
_EMPTY_BRACKETS = re.compile(r"[（(]\s{0,20}[)）]")
_SEPARATORS = re.compile(r"[;；、,，\s]+")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one place of a file: `row` is a line or a sheet's row, from 1."""

    row: int
    column: str
    value: str
    text: Text


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """A checked question; `key` as QuestionVersion stores it."""

    kind: str
    stem: str
    options: tuple[str, ...]
    key: tuple[Any, ...]
    explanation: str
    topic: str
    difficulty: str
    row: int


@dataclass(slots=True)
class Draft:
    """A question as it was written: texts, and the row each field stands in."""

    row: int
    stem: str = ""
    options: list[str] = field(default_factory=list)
    answer: str | None = None
    explanation: str = ""
    kind: str = ""
    topic: str = ""
    difficulty: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    repeated: str = ""


class _Wrong(Exception):
    """One field is wrong: its name, its value, what was expected."""

    def __init__(self, name: str, value: str, text: Text) -> None:
        super().__init__(name)
        self.name = name
        self.value = value
        self.text = text


def checked(draft: Draft) -> ParsedQuestion | RowError:
    """The question of a draft, or the first thing that is wrong with it."""
    try:
        return _checked(draft)
    except _Wrong as wrong:
        row = draft.rows.get(wrong.name, draft.row)
        return RowError(row, wrong.name, wrong.value[:80], wrong.text)


def _checked(draft: Draft) -> ParsedQuestion:
    _check_texts(draft)
    answer = draft.answer
    if answer is None:
        draft.stem, answer = _answer_in_stem(draft)
    kind = _kind(draft, answer)
    key = _key(kind, draft, answer)
    return ParsedQuestion(
        kind=kind,
        stem=draft.stem,
        options=tuple(draft.options) if kind in ("single", "multiple") else (),
        key=key,
        explanation=draft.explanation,
        topic=draft.topic,
        difficulty=_word(draft.difficulty, DIFFICULTIES, "difficulty"),
        row=draft.row,
    )


def _check_texts(draft: Draft) -> None:
    if draft.repeated:
        wrong = _("This stands twice; put an empty line between two questions.")
        raise _Wrong(draft.repeated, "", wrong)
    if not draft.stem:
        raise _Wrong("stem", "", _("The question has no text."))
    if len(draft.options) > MAX_OPTIONS:
        wrong = _("At most {count} options, A to Z.", count=MAX_OPTIONS)
        raise _Wrong("options", draft.options[MAX_OPTIONS], wrong)
    _check_length("stem", draft.stem, MAX_STEM)
    _check_length("explanation", draft.explanation, MAX_EXPLANATION)
    _check_length("topic", draft.topic, MAX_TOPIC)
    _check_length("answer", draft.answer or "", MAX_ANSWER)
    for index, option in enumerate(draft.options):
        name = f"option {ascii_uppercase[index]}"
        if not option:
            raise _Wrong(name, "", _("The option is empty."))
        _check_length(name, option, MAX_OPTION)


def _check_length(name: str, text: str, high: int) -> None:
    if len(text) > high:
        raise _Wrong(name, text, _("At most {high} characters.", high=high))
    if has_control_characters(text, "\n\t"):
        raise _Wrong(name, "", _("Control characters are not allowed."))


def _answer_in_stem(draft: Draft) -> tuple[str, str]:
    """The stem with its brackets emptied, and the answer that stood in them."""
    found = [m for m in _IN_BRACKETS.finditer(draft.stem) if _is_answer(m.group(1), draft)]
    if not found:
        raise _Wrong("answer", "", _("There is no answer; write it as: Answer: B"))
    if len(found) > 1:
        wrong = _("Several brackets could be the answer; write it as: Answer: B")
        raise _Wrong("answer", " ".join(match.group() for match in found), wrong)
    start, end = found[0].span(1)
    return f"{draft.stem[:start]} {draft.stem[end:]}", found[0].group(1).strip()


def _is_answer(text: str, draft: Draft) -> bool:
    if not draft.options:
        return _truth(text) is not None
    letters = _letters(text)
    return bool(letters) and all(letter in ascii_uppercase for letter in letters)


def _kind(draft: Draft, answer: str) -> str:
    if draft.kind:
        return _word(draft.kind, KINDS, "kind")
    if draft.options:
        return "single" if len(_letters(answer)) == 1 else "multiple"
    if _truth(answer) is not None:
        return "true_false"
    if BLANK.search(draft.stem) or _EMPTY_BRACKETS.search(draft.stem):
        return "fill_in"
    wrong = _("Without options the answer must be true or false, or the text must have a blank __.")
    raise _Wrong("answer", answer, wrong)


def _word(value: str, words: dict[str, tuple[str, ...]], name: str) -> str:
    wanted = value.strip().casefold()
    for word, known in words.items():
        if wanted in known:
            return word
    expected = ", ".join(known[0] for known in words.values())
    raise _Wrong(name, value, _("One of: {expected}.", expected=expected))


def _key(kind: str, draft: Draft, answer: str) -> tuple[Any, ...]:
    if not answer.strip():
        raise _Wrong("answer", answer, _("The answer is empty."))
    if kind == "true_false":
        return _judgement(draft, answer)
    if kind == "fill_in":
        return _blanks(draft, answer)
    return _choices(kind, draft, answer)


def _judgement(draft: Draft, answer: str) -> tuple[str]:
    if draft.options and len(draft.options) != 2:
        raise _Wrong("options", draft.options[0], _("A judgement has no options."))
    letter = unicodedata.normalize("NFKC", answer).strip().upper()
    # Templates of question banks list "A. 正确 B. 错误" and name the letter.
    if draft.options and letter in ("A", "B"):
        answer = draft.options["AB".index(letter)]
    truth = _truth(answer)
    if truth is None:
        raise _Wrong("answer", answer, _("The answer must be true or false (正确 or 错误)."))
    return ("true" if truth else "false",)


def _truth(answer: str) -> bool | None:
    word = unicodedata.normalize("NFKC", answer).strip().casefold()
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


def _blanks(draft: Draft, answer: str) -> tuple[tuple[str, ...], ...]:
    blanks = tuple(
        tuple(text for part in re.split("[;；]", blank) if (text := part.strip()))
        for blank in re.split("[|｜]", answer)
    )
    if draft.options:
        raise _Wrong("options", draft.options[0], _("A question with blanks has no options."))
    if not all(blanks):
        raise _Wrong("answer", answer, _("Each blank needs at least one accepted text."))
    for text in (text for blank in blanks for text in blank):
        _check_length("answer", text, MAX_TEXT)
    gaps = len(BLANK.findall(draft.stem)) or len(_EMPTY_BRACKETS.findall(draft.stem))
    if gaps != len(blanks):
        wrong = _("The text has {gaps} blanks, the answer {given}.", gaps=gaps, given=len(blanks))
        raise _Wrong("answer", answer, wrong)
    return blanks


def _letters(answer: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", answer).upper()
    return list("".join(_SEPARATORS.split(folded)))


def _choices(kind: str, draft: Draft, answer: str) -> tuple[int, ...]:
    if len(draft.options) < 2:
        raise _Wrong("options", "", _("Give 2 to 26 options."))
    letters = _letters(answer)
    if not letters:
        raise _Wrong("answer", answer, _("The answer is empty."))
    known = ascii_uppercase[: len(draft.options)]
    for letter in letters:
        if letter not in known:
            wrong = _("The answer names option {letter}; the options are A to {last}.",
                      letter=letter, last=known[-1])  # fmt: skip
            raise _Wrong("answer", answer, wrong)
    if len(set(letters)) != len(letters):
        raise _Wrong("answer", answer, _("An option may be named once."))
    if kind == "single" and len(letters) != 1:
        raise _Wrong("answer", answer, _("Single choice has exactly one right option."))
    return tuple(sorted(known.index(letter) for letter in letters))


def fingerprint(stem: str, options: Sequence[str]) -> str:
    """What two writings of the same question share: SHA-256 (hex) of the texts without width,
    case, white space and punctuation, the options in any order."""
    texts = [_bare(stem), *sorted(_bare(option) for option in options)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    around = zip(f" {folded}", folded, f"{folded[1:]} ", strict=False)
    return "".join(c for before, c, after in around if _tells(before, c, after))


def _tells(before: str, c: str, after: str) -> bool:
    """Whether `c` makes a difference: 1.5 is not 15, 5% not 5, < not >, -5 not 5."""
    if unicodedata.category(c)[0] not in "PZC":
        return True
    inside = before.isdigit() and after.isdigit()
    sign = c == "-" and after.isdigit()
    return not c.isspace() and (inside or sign or c in "%‰")
