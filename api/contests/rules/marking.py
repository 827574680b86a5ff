"""Marking: an answer, a key, hundredths of a point."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

CHOICES = ("single", "multiple")
MAX_TEXT = 500
_SPACE = re.compile(r"\s+")

# An answer to save: (position from 1, sequence number, the answer as the taker gave it).
Answer = tuple[int, int, list[str]]

# (chosen, right, points in hundredths) → hundredths earned by a choice.
PartialRule = Callable[[frozenset[int], frozenset[int], int], int]


@dataclass(frozen=True, slots=True)
class Question:
    """A question worth `points_hundredths`.

    `key`: right option indexes (from 0) for choices, ("true",) or ("false",) for judgements,
    accepted alternatives for each blank.
    """

    kind: str
    stem: str
    options: tuple[str, ...]
    key: tuple[int | str | tuple[str, ...], ...]
    points_hundredths: int

    @property
    def blank_count(self) -> int:
        """How many texts an answer has; 0 unless it is a fill-in."""
        return len(self.key) if self.kind == "fill_in" else 0


def validate_answer(
    kind: str, option_count: int, blank_count: int, answer: Sequence[str]
) -> str | None:
    """Why an answer doesn't fit its question, as a stable word; None if it does.

    An empty answer clears what was saved.
    """
    if not answer:
        return None
    if kind in CHOICES:
        return _choice_reason(kind, option_count, answer)
    if kind == "true_false":
        return None if list(answer) in (["true"], ["false"]) else "not_a_judgement"
    if len(answer) != blank_count:
        return "wrong_blank_count"
    return "too_long" if any(len(text) > MAX_TEXT for text in answer) else None


def _choice_reason(kind: str, option_count: int, answer: Sequence[str]) -> str | None:
    labels = ascii_uppercase[:option_count]
    if any(len(label) != 1 or label not in labels for label in answer):
        return "unknown_option"
    if len(set(answer)) != len(answer):
        return "duplicate_option"
    return "too_many" if kind == "single" and len(answer) > 1 else None


def all_or_nothing(chosen: frozenset[int], right: frozenset[int], points: int) -> int:
    """The full points for exactly the right options."""
    return points if chosen == right else 0


def mark(
    question: Question,
    permutation: Sequence[int],
    answer: Sequence[str],
    partial: PartialRule = all_or_nothing,
) -> int:
    """Hundredths of a point for an answer as the taker gave it.

    What a choice earns is for `partial` to say; blanks share the points equally, the first ones
    getting what is left over.
    """
    if not answer:
        return 0
    if question.kind == "fill_in":
        return _mark_blanks(question, answer)
    if question.kind == "true_false":
        return question.points_hundredths if tuple(answer) == question.key else 0
    chosen = frozenset(permutation[ascii_uppercase.index(label)] for label in answer)
    right = frozenset(index for index in question.key if isinstance(index, int))
    return partial(chosen, right, question.points_hundredths)


def _mark_blanks(question: Question, answer: Sequence[str]) -> int:
    share, left = divmod(question.points_hundredths, len(question.key))
    earned = 0
    for index, (text, accepted) in enumerate(zip(answer, question.key, strict=True)):
        assert isinstance(accepted, tuple)
        if normal(text) in {normal(alternative) for alternative in accepted}:
            earned += share + (index < left)
    return earned


def normal(text: str) -> str:
    """A blank's text as it is compared: width, case and white space don't matter."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def shown_key(question: Question, permutation: Sequence[int]) -> list[str]:
    """The right answer in the labels that the taker saw."""
    if question.kind in CHOICES:
        right = set(question.key)
        return [
            ascii_uppercase[shown]
            for shown, original in enumerate(permutation)
            if original in right
        ]
    if question.kind == "true_false":
        return [str(part) for part in question.key]
    return ["; ".join(part) for part in question.key if isinstance(part, tuple)]
