"""Running it: health, readiness, metrics, the API document, jobs, files, the audit trail."""

from typing import Any

import sqlalchemy as sa
from flask import Response, current_app
from marshmallow import fields

from api.core import auth, db, files, health, jobs, metrics, pages
from api.core.audit import AuditLine
from api.core.bodies import Upload
from api.core.errors import NotFound
from api.core.files import StoredFile
from api.core.handlers import language
from api.core.http import ANYONE, EMPLOYEE, Reply, Routes
from api.core.jobs import Job
from api.core.limits import IMPORT
from api.core.schemas import Identifier, PageQuery, Schema, Time, page_of

routes = Routes("system")


class HealthOut(Schema):
    status = fields.String(required=True)


class ReadyOut(Schema):
    ready = fields.Boolean(required=True)
    degraded = fields.Boolean(required=True)
    parts = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    outbox = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class JobOut(Schema):
    id = Identifier(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(required=True, allow_none=True)
    result = fields.Dict(required=True)
    errors = fields.List(fields.Dict(), required=True)
    created_at = Time(required=True)
    finished_at = Time(required=True, allow_none=True)


class FileOut(Schema):
    id = Identifier(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    digest = fields.String(required=True)


class AuditLineOut(Schema):
    id = fields.Integer(required=True)
    at = Time(required=True)
    actor_id = Identifier(required=True, allow_none=True)
    operation = fields.String(required=True)
    target = fields.String(required=True)
    outcome = fields.String(required=True)
    address = fields.String(required=True)
    request_id = fields.String(required=True)
    details = fields.Dict(required=True)


@routes.endpoint(
    "GET /healthz", who=ANYONE, summary="Is this process alive?", reply=HealthOut,
    own_transactions=True,
)  # fmt: skip
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@routes.endpoint(
    "GET /readyz", who=ANYONE, summary="Can requests be served, and which parts are away?",
    reply=ReadyOut, own_transactions=True,
)  # fmt: skip
def readyz() -> Reply:
    report = health.report()
    return Reply(report, 200 if report["ready"] else 503)


@routes.endpoint(
    "GET /metrics", who=ANYONE, summary="Figures for Prometheus", media="text/plain",
    own_transactions=True,
)  # fmt: skip
def metrics_text() -> bytes:
    return metrics.exposition()


@routes.endpoint(
    "GET /openapi.json", who=ANYONE, summary="This document", reply=Schema, own_transactions=True
)
def openapi_document() -> bytes:
    content: bytes = current_app.extensions["leitai.openapi"]()
    return content


@routes.endpoint("GET /jobs/{job_id}", who=EMPLOYEE, summary="The state of long work", reply=JobOut)
def get_job(job_id: str) -> dict[str, Any]:
    return jobs.as_json(_my_job(job_id), language())


@routes.endpoint("DELETE /jobs/{job_id}", who=EMPLOYEE, summary="Cancel long work", reply=JobOut)
def cancel_job(job_id: str) -> dict[str, Any]:
    job = _my_job(job_id, others=("admin",))
    jobs.cancel(job)
    return jobs.as_json(job, language())


def _my_job(job_id: str, others: tuple[str, ...] = ("admin", "auditor")) -> Job:
    """One's own job, or anybody's for the roles `others`; raises NotFound."""
    job = db.session().get(Job, job_id)
    if job is None:
        raise NotFound
    if job.member_id != auth.principal().member_id:
        auth.require(others, auth.Scope(), hidden=True)
    return job


@routes.endpoint(
    "POST /files", who=EMPLOYEE, summary="Store a file", upload=True, reply=FileOut, status=201,
    rate=IMPORT, idempotent=True,
)  # fmt: skip
def add_file(upload: Upload) -> dict[str, Any]:
    row = files.add(
        upload.content, upload.name, "application/octet-stream", auth.principal().member_id
    )
    return _file(row)


@routes.endpoint(
    "GET /files", who=EMPLOYEE, summary="My files", query=PageQuery, reply=page_of(FileOut)
)
def list_files(query: dict[str, Any]) -> dict[str, Any]:
    mine = sa.select(StoredFile).where(StoredFile.owner_id == auth.principal().member_id)
    order = [StoredFile.__table__.c.id]
    return pages.page(mine, order, show=_file, **query)


@routes.endpoint(
    "GET /files/{file_id}", who=EMPLOYEE, summary="Download one of my files",
    media="application/octet-stream",
)  # fmt: skip
def get_file(file_id: str) -> Response:
    row = db.session().get(StoredFile, file_id)
    if row is None or row.owner_id != auth.principal().member_id:
        raise NotFound
    response = Response(files.read(row.digest), mimetype=row.media_type)
    response.headers.set("Content-Disposition", "attachment", filename=row.name)
    return response


def _file(row: StoredFile) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "media_type": row.media_type,
        "size": row.size,
        "digest": row.digest,
    }


@routes.endpoint(
    "GET /audit", who=("admin", "auditor"), over=auth.everywhere, query=PageQuery,
    reply=page_of(AuditLineOut), summary="Who did what, newest first",
)  # fmt: skip
def list_audit(query: dict[str, Any]) -> dict[str, Any]:
    audit_lines = sa.select(*AuditLine.__table__.c)
    order = [AuditLine.__table__.c.id]
    return pages.page(audit_lines, order, show=_line, descending=True, **query)


def _line(row: Any) -> dict[str, Any]:
    return dict(row._mapping)
