"""Question banks and their versioned questions."""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from api.contests.formats.drafts import fingerprint
from api.contests.models import Question, QuestionBank, QuestionVersion
from api.core import clock, db
from api.core.errors import NotFound, Stale, invalid
from api.core.i18n import _
from api.org.models import OrganizingBody, Unit


def create_bank(data: dict[str, Any]) -> QuestionBank:
    """A bank; raises Invalid for unknown units and bodies."""
    if db.session().get(Unit, data["unit_id"]) is None:
        raise invalid("unit_id", _("There is no such unit."))
    if data["body_id"] and db.session().get(OrganizingBody, data["body_id"]) is None:
        raise invalid("body_id", _("There is no such organising body."))
    bank = QuestionBank(**data, created_at=clock.now(), version=1)
    db.session().add(bank)
    db.session().flush()
    return bank


def rename_bank(bank_id: str, if_match: int, changes: dict[str, Any]) -> QuestionBank:
    """Change a bank; raises NotFound, Stale."""
    bank = db.session().get(QuestionBank, bank_id, with_for_update=True)
    if bank is None:
        raise NotFound
    if bank.version != if_match:
        raise Stale
    for name, value in changes.items():
        setattr(bank, name, value)
    bank.version += 1
    db.session().flush()
    return bank


def add_question(bank_id: str, data: dict[str, Any]) -> Question:
    """A question with its first version; raises Invalid."""
    key = _key(data)
    question = Question(
        id=db.new_id(), bank_id=bank_id, fingerprint=fingerprint(data["stem"], data["options"]),
        retired=False, version=1,
    )  # fmt: skip
    db.session().add(question)
    db.session().flush()
    db.session().add(_version(question.id, 1, data, key))
    db.session().flush()
    return question


def change_question(question_id: str, if_match: int, data: dict[str, Any]) -> Question:
    """A new version of a question.  Papers and past attempts keep the version they were made
    with.  Raises NotFound, Stale, Invalid."""
    question = _claimed(question_id, if_match)
    key = _key(data)
    question.version += 1
    question.fingerprint = fingerprint(data["stem"], data["options"])
    db.session().add(_version(question_id, question.version, data, key))
    db.session().flush()
    return question


def retire_question(question_id: str) -> None:
    """Keep a question out of future papers."""
    question = db.session().get(Question, question_id, with_for_update=True)
    if question is None:
        raise NotFound
    question.retired = True
    db.session().flush()


def _claimed(question_id: str, if_match: int) -> Question:
    question = db.session().get(Question, question_id, with_for_update=True)
    if question is None:
        raise NotFound
    if question.version != if_match:
        raise Stale
    return question


def _version(
    question_id: str, number: int, data: dict[str, Any], key: list[Any]
) -> QuestionVersion:
    return QuestionVersion(
        question_id=question_id,
        number=number,
        kind=data["kind"],
        stem=data["stem"],
        options=data["options"],
        key=key,
        explanation=data["explanation"],
        topic=data["topic"],
        difficulty=data["difficulty"],
        created_at=clock.now(),
    )


def _key(data: dict[str, Any]) -> list[Any]:
    """The stored key of a question as it came in; raises Invalid with the field that is wrong."""
    kind, options, answer = data["kind"], data["options"], data["answer"]
    if kind in ("single", "multiple"):
        return _choice_key(kind, options, answer)
    if options:
        raise invalid("options", _("Only single and multiple choice have options."))
    if kind == "true_false":
        if answer not in (["true"], ["false"]):
            raise invalid("answer", _('The answer is ["true"] or ["false"].'))
        return list(answer)
    return [[part.strip() for part in blank.split(";") if part.strip()] for blank in answer]


def _choice_key(kind: str, options: Sequence[str], answer: Sequence[str]) -> list[int]:
    if not 2 <= len(options) <= 26:
        raise invalid("options", _("Give 2 to 26 options."))
    letters = ascii_uppercase[: len(options)]
    if any(letter not in letters or len(letter) != 1 for letter in answer):
        wrong = _("Name options by their letters, A to {last}.", last=letters[-1])
        raise invalid("answer", wrong)
    if len(set(answer)) != len(answer) or (kind == "single" and len(answer) != 1):
        raise invalid("answer", _("Single choice has one right option; none is named twice."))
    return sorted(letters.index(letter) for letter in answer)
