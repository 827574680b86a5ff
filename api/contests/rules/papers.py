"""Drawing and shuffling, the same for ever: a seed gives one paper on every machine.

Python's own generator may change between versions, so numbers come from SHA-256 of the seed and
a counter, made unbiased by rejection.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from api.contests.rules.marking import CHOICES, Question

T = TypeVar("T")
_WORD_BYTES = 8
_WORD = 2 ** (8 * _WORD_BYTES)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place on a paper: which question, its options in which order (original indexes)."""

    question_id: int
    permutation: tuple[int, ...]


def _words(seed: bytes, purpose: bytes) -> Iterator[int]:
    counter = 0
    while True:
        block = hashlib.sha256(purpose + b"\0" + seed + counter.to_bytes(8)).digest()
        for start in range(0, len(block), _WORD_BYTES):
            yield int.from_bytes(block[start : start + _WORD_BYTES])
        counter += 1


def _below(limit: int, words: Iterator[int]) -> int:
    """A number from 0 to `limit` - 1, each equally likely."""
    fair = _WORD - _WORD % limit
    for word in words:
        if word < fair:
            return word % limit
    raise AssertionError("the stream of words never ends")


def shuffled(items: Sequence[T], seed: bytes, purpose: bytes) -> list[T]:
    """`items` in an order that seed and purpose decide (Fisher-Yates; Durstenfeld 1964)."""
    return draw(items, len(items), seed, purpose)


def draw(items: Sequence[T], count: int, seed: bytes, purpose: bytes = b"draw") -> list[T]:
    """`count` of `items` without replacement, in the order drawn.

    Raises ValueError where there are fewer.
    """
    if count > len(items):
        raise ValueError(f"{count} of {len(items)} can't be drawn")
    words = _words(seed, purpose)
    pool = list(items)
    for place in range(count):
        other = place + _below(len(pool) - place, words)
        pool[place], pool[other] = pool[other], pool[place]
    return pool[:count]


def layout(
    seed: bytes,
    questions: Sequence[tuple[int, Question]],
    *,
    shuffle_questions: bool,
    shuffle_options: bool,
) -> list[Slot]:
    """The paper of one attempt: questions and, for choices, options in the seed's order."""
    ordered = shuffled(questions, seed, b"questions") if shuffle_questions else list(questions)
    return [
        Slot(question_id, _options(seed, question_id, question, shuffle_options))
        for question_id, question in ordered
    ]


def _options(seed: bytes, question_id: int, question: Question, shuffle: bool) -> tuple[int, ...]:
    if question.kind not in CHOICES:
        return ()
    plain = range(len(question.options))
    return tuple(shuffled(plain, seed, b"options:%d" % question_id) if shuffle else plain)
