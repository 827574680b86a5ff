"""Attempts as they come in and go out."""

from typing import Any

from marshmallow import fields, validate

from api.contests.rules.marking import Answer
from api.core.errors import FieldError, Invalid
from api.core.i18n import _
from api.core.schemas import Identifier, Integer, Schema, Time, has_control_characters

MAX_ANSWERS = 200
MAX_SEQ = 2**31 - 1
MAX_PARTS = 26
MAX_TEXT = 500


class AnswerIn(Schema):
    """`position` counts from 1.  `answer`: labels as shown ("B"), "true" or "false", or one text
    for each blank; [] clears it.  `seq` grows with every change: an older one never overwrites a
    newer one."""

    position = Integer(low=1, high=MAX_ANSWERS, required=True)
    seq = Integer(low=0, high=MAX_SEQ, required=True)
    answer = fields.List(
        fields.String(validate=validate.Length(0, MAX_TEXT)),
        required=True,
        validate=validate.Length(0, MAX_PARTS),
    )


class AnswersIn(Schema):
    answers = fields.List(
        fields.Nested(AnswerIn), required=True, validate=validate.Length(1, MAX_ANSWERS)
    )


class SubmitIn(Schema):
    answers = fields.List(fields.Nested(AnswerIn), validate=validate.Length(0, MAX_ANSWERS))


def parse_answers(data: Any) -> list[Answer]:
    """AnswersIn, checked by hand because this is the busiest route: [(position, seq, answer)].

    Raises Invalid with the path of the first thing that is wrong.
    """
    answers = _only(data, "body", ("answers",)).get("answers")
    return _answers(answers, 1)


def parse_submit(data: Any) -> list[Answer]:
    """SubmitIn: the answers that come with the submit, none if left out."""
    return _answers(_only(data, "body", ("answers",)).get("answers", []), 0)


def _answers(value: Any, low: int) -> list[Answer]:
    if not isinstance(value, list) or not low <= len(value) <= MAX_ANSWERS:
        wrong = _("Send a list of {low} to {high} answers.", low=low, high=MAX_ANSWERS)
        raise _wrong("answers", wrong)
    found = [_answer(item, f"answers.{index}") for index, item in enumerate(value)]
    if len({position for position, _seq, _parts in found}) != len(found):
        raise _wrong("answers", _("Each position may occur once."))
    return found


def _answer(item: Any, where: str) -> Answer:
    fields_of = _only(item, where, ("position", "seq", "answer"))
    position = _whole(fields_of.get("position"), f"{where}.position", 1, MAX_ANSWERS)
    seq = _whole(fields_of.get("seq"), f"{where}.seq", 0, MAX_SEQ)
    return position, seq, _parts(fields_of.get("answer"), f"{where}.answer")


def _parts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        raise _wrong(where, _("Send a list of at most {high} texts.", high=MAX_PARTS))
    for part in value:
        if not isinstance(part, str) or len(part) > MAX_TEXT or has_control_characters(part):
            wrong = _(
                "Texts of at most {high} characters, without control characters.", high=MAX_TEXT
            )
            raise _wrong(where, wrong)
    return value


def _whole(value: Any, where: str, low: int, high: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _wrong(where, _("A whole number from {low} to {high}.", low=low, high=high))
    return value


def _only(value: Any, where: str, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, _("Send a JSON object."))
    for name in value:
        if name not in names:
            raise _wrong(f"{where}.{name}"[:200], _("This field is unknown here. Leave it out."))
    return value


def _wrong(where: str, message: Any) -> Invalid:
    return Invalid(errors=[FieldError(where.removeprefix("body."), message)])


class OptionOut(Schema):
    label = fields.String(required=True)
    text = fields.String(required=True)


class SlotOut(Schema):
    """A question as its taker sees it: no key, no explanation."""

    position = fields.Integer(required=True)
    kind = fields.String(required=True)
    stem = fields.String(required=True)
    options = fields.List(fields.Nested(OptionOut), required=True)
    blanks = fields.Integer(required=True)
    points = fields.Float(required=True)


class SavedAnswerOut(Schema):
    position = fields.Integer(required=True)
    seq = fields.Integer(required=True)
    answer = fields.List(fields.String(), required=True)


class AttemptOut(Schema):
    """A running attempt with its paper; a finished one has an empty paper."""

    id = Identifier(required=True)
    contest_id = Identifier(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True)
    started_at = Time(required=True)
    deadline_at = Time(required=True)
    server_now = Time(required=True)
    remaining_s = fields.Integer(required=True)
    grace_s = fields.Integer(required=True)
    paper = fields.List(fields.Nested(SlotOut), required=True)
    answers = fields.List(fields.Nested(SavedAnswerOut), required=True)


class SavedOut(Schema):
    """How many answers stand saved, and the time left by the server's clock."""

    saved = fields.Integer(required=True)
    server_now = Time(required=True)
    remaining_s = fields.Integer(required=True)


class CreditOut(Schema):
    rule = fields.String(required=True)
    version = fields.Integer(required=True)
    amount = fields.Integer(required=True)
    cap_left = fields.Integer(required=True, allow_none=True)


class SubmitOut(Schema):
    """The result.  `closed_by`: "member" or "deadline"; `score` null where the review rule hides
    it; `points` is what was credited, by rule."""

    attempt_id = Identifier(required=True)
    contest_id = Identifier(required=True)
    state = fields.String(required=True)
    closed_by = fields.String(required=True)
    submitted_at = Time(required=True)
    score = fields.Float(required=True, allow_none=True)
    max_score = fields.Float(required=True)
    used_s = fields.Float(required=True)
    points = fields.List(fields.Nested(CreditOut), required=True)
    tries_left = fields.Integer(required=True)
    review = fields.String(required=True)


class ReviewSlotOut(Schema):
    """Only the fields that the contest's review rule shows at this moment are present."""

    position = fields.Integer(required=True)
    kind = fields.String(required=True)
    stem = fields.String(required=True)
    options = fields.List(fields.Nested(OptionOut), required=True)
    blanks = fields.Integer(required=True)
    points = fields.Float(required=True)
    own_answer = fields.List(fields.String())
    correct = fields.Boolean()
    mark = fields.Float()
    key = fields.List(fields.String())
    explanation = fields.String()


class ReviewOut(Schema):
    attempt_id = Identifier(required=True)
    moment = fields.String(required=True)
    shown = fields.List(fields.String(), required=True)
    score = fields.Float(required=True, allow_none=True)
    max_score = fields.Float(required=True)
    items = fields.List(fields.Nested(ReviewSlotOut), required=True)
