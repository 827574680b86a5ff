"""Question banks: an organiser's own questions, keys included."""

from typing import Any

from api.contests.queries import banks as queries
from api.contests.queries import contests as scopes
from api.contests.schemas import banks as schemas
from api.contests.service import banks as service
from api.contests.service import imports
from api.core import auth, jobs
from api.core.auth import Scope
from api.core.bodies import Upload
from api.core.http import Routes
from api.core.limits import IMPORT
from api.core.routes import JobOut
from api.core.schemas import PageQuery, page_of

routes = Routes("question banks")
OWNERS = ("organizer", "admin")


def _owner(body: dict[str, Any]) -> Scope:
    return Scope(body["unit_id"], body["body_id"])


@routes.endpoint(
    "GET /question-banks", who=OWNERS, query=PageQuery, reply=page_of(schemas.BankOut),
    summary="Banks that my roles cover",
)  # fmt: skip
def list_banks(query: dict[str, Any]) -> dict[str, Any]:
    return queries.banks(**query)


@routes.endpoint(
    "POST /question-banks", who=OWNERS, over=_owner, body=schemas.BankIn, reply=schemas.BankOut,
    status=201, idempotent=True, summary="Make a bank",
)  # fmt: skip
def create_bank(body: dict[str, Any]) -> dict[str, Any]:
    return queries.bank_view(service.create_bank(body))


@routes.endpoint(
    "GET /question-banks/{bank_id}", who=OWNERS, over=scopes.scope_of_bank,
    reply=schemas.BankOut, etag=True, summary="One bank",
)  # fmt: skip
def get_bank(bank_id: str) -> dict[str, Any]:
    return queries.bank_view(queries.bank(bank_id))


@routes.endpoint(
    "PATCH /question-banks/{bank_id}", who=OWNERS, over=scopes.scope_of_bank, etag=True,
    body=schemas.BankPatch, reply=schemas.BankOut, summary="Rename a bank",
)  # fmt: skip
def edit_bank(bank_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return queries.bank_view(service.rename_bank(bank_id, if_match, body))


@routes.endpoint(
    "GET /question-banks/{bank_id}/questions", who=OWNERS, over=scopes.scope_of_bank,
    query=schemas.QuestionQuery, reply=page_of(schemas.QuestionOut), summary="Questions in use",
)  # fmt: skip
def list_questions(bank_id: str, query: dict[str, Any]) -> dict[str, Any]:
    return queries.questions(bank_id, **query)


@routes.endpoint(
    "POST /question-banks/{bank_id}/questions", who=OWNERS, over=scopes.scope_of_bank,
    body=schemas.QuestionIn, reply=schemas.QuestionOut, status=201, idempotent=True,
    summary="Add a question",
)  # fmt: skip
def add_question(bank_id: str, body: dict[str, Any]) -> dict[str, Any]:
    return queries.question(service.add_question(bank_id, body).id)


@routes.endpoint(
    "POST /question-banks/{bank_id}/imports", who=OWNERS, over=scopes.scope_of_bank, upload=True,
    query=schemas.ImportQuery, reply=JobOut, status=202, idempotent=True, rate=IMPORT,
    summary="Import questions from xlsx, csv or text; dry_run only checks",
)  # fmt: skip
def import_questions(bank_id: str, upload: Upload, query: dict[str, Any]) -> dict[str, Any]:
    return jobs.as_json(imports.start(bank_id, upload, auth.principal().member_id, **query))


@routes.endpoint(
    "GET /questions/{question_id}", who=OWNERS, over=scopes.scope_of_question,
    reply=schemas.QuestionOut, etag=True, summary="One question in its present version",
)  # fmt: skip
def get_question(question_id: str) -> dict[str, Any]:
    return queries.question(question_id)


@routes.endpoint(
    "PATCH /questions/{question_id}", who=OWNERS, over=scopes.scope_of_question, etag=True,
    body=schemas.QuestionIn, reply=schemas.QuestionOut,
    summary="A new version; past papers keep theirs",
)  # fmt: skip
def edit_question(question_id: str, if_match: int, body: dict[str, Any]) -> dict[str, Any]:
    return queries.question(service.change_question(question_id, if_match, body).id)


@routes.endpoint(
    "DELETE /questions/{question_id}", who=OWNERS, over=scopes.scope_of_question,
    summary="Retire a question: future papers leave it out",
)  # fmt: skip
def retire_question(question_id: str) -> None:
    service.retire_question(question_id)
