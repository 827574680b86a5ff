"""Refusals: RFC 9457 problem documents.

A refusal is a `Problem` subclass defined beside the rule it enforces.  Its class says code,
status and title; an instance says what is wrong here and what to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from api.core.i18n import Text, _


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request.

    `where` is the field's path ("answers.3.seq"), `code` a stable word for programs.
    """

    where: str
    message: Text
    code: str = "invalid"

    def as_json(self, language: str) -> dict[str, str]:
        return {
            "field": self.where,
            "code": self.code,
            "message": self.message.in_language(language),
        }


class Problem(Exception):
    """A refusal.  Raising one rolls the transaction back unless it `keeps_effects`."""

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 400
    title: ClassVar[Text] = _("The request was refused.")
    keeps_effects: ClassVar[bool] = False
    known: ClassVar[dict[str, type["Problem"]]] = {}

    def __init__(
        self,
        detail: Text | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(str(detail or self.title))
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        other = Problem.known.setdefault(cls.code, cls)
        if other.__qualname__ != cls.__qualname__:
            raise TypeError(f"Two problems share the code {cls.code!r}.")

    def as_json(self, language: str, request_id: str) -> dict[str, Any]:
        """The problem document (RFC 9457, section 3)."""
        document = {
            "type": f"/problems/{self.code}",
            "title": self.title.in_language(language),
            "status": self.status,
            "detail": self.detail.in_language(language),
            "code": self.code,
            "request_id": request_id,
            **self.extra,
        }
        if self.errors:
            document["errors"] = [error.as_json(language) for error in self.errors]
        return document


class BadRequest(Problem):
    code, status = "bad-request", 400
    title = _("The request could not be read.")


class Unauthorized(Problem):
    code, status = "unauthorized", 401
    title = _("Sign in first: this needs a valid access token.")

    def __init__(self, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Forbidden(Problem):
    code, status = "forbidden", 403
    title = _("Your roles don't allow this.")


class NotFound(Problem):
    code, status = "not-found", 404
    title = _("There is nothing here under this address.")


class MethodNotAllowed(Problem):
    code, status = "method-not-allowed", 405
    title = _("This address doesn't know that method.")


class Conflict(Problem):
    code, status = "conflict", 409
    title = _("This doesn't fit the present state.")


class Stale(Problem):
    code, status = "stale", 412
    title = _("Somebody changed this since you read it. Read it again, then repeat your change.")


class TooLarge(Problem):
    code, status = "too-large", 413
    title = _("The request's body is too large.")


class UnsupportedMedia(Problem):
    code, status = "unsupported-media-type", 415
    title = _("Send this as {expected}.", expected="application/json")


class Invalid(Problem):
    """The request is well formed, but some fields are wrong; `errors` names each."""

    code, status = "invalid", 422
    title = _("Some fields are wrong; see errors.")


class IfMatchMissing(Problem):
    code, status = "if-match-missing", 428
    title = _("Send the ETag you read as If-Match, so that nobody's change is overwritten.")


class TooMany(Problem):
    code, status = "too-many-requests", 429
    title = _("Too many requests. Wait a moment and try again.")

    def __init__(self, retry_after_s: int) -> None:
        detail = _("Too many requests. Try again in {seconds} seconds.", seconds=retry_after_s)
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class Unexpected(Problem):
    code, status = "internal", 500
    title = _("Something went wrong on our side. It was recorded under the request id.")


class Unavailable(Problem):
    code, status = "unavailable", 503
    title = _("A part of the system is not available. Try again in a moment.")

    def __init__(self, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


def invalid(where: str, message: Text, code: str = "invalid") -> Invalid:
    """An `Invalid` about one field."""
    return Invalid(errors=[FieldError(where, message, code)])
