"""Whether the parts are there: what /readyz answers and `flask doctor` prints."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from api.core import clock, db, events, migrations, schedule, valkey

SCHEDULE_SILENT = timedelta(seconds=30)


def report() -> dict[str, Any]:
    """The state of each part.  `ready` is false where requests can't be served.

    Valkey away or the relay silent are shown as degraded, not as unready: people can still
    work, and a restart of the API would help nobody.
    """
    parts = {"database": "ok", "migrations": "ok", "valkey": _valkey(), "schedule": "ok"}
    outbox: dict[str, int] = {}
    try:
        with db.reading() as conn:
            if migrations.current(conn) != migrations.head():
                parts["migrations"] = "behind"
            else:
                outbox = events.backlog()
                parts["schedule"] = _schedule()
    except sa.exc.SQLAlchemyError:
        parts["database"] = "down"
    ready = parts["database"] == "ok" and parts["migrations"] == "ok"
    degraded = any(state != "ok" for state in parts.values()) or bool(outbox.get("dead"))
    return {"ready": ready, "degraded": degraded, "parts": parts, "outbox": outbox}


def _valkey() -> str:
    try:
        valkey.attempt(lambda client: client.ping())
    except valkey.ValkeyDown:
        return "down"
    return "ok"


def _schedule() -> str:
    seen = schedule.seen_at()
    return "ok" if seen and clock.now() - seen < SCHEDULE_SILENT else "silent"


def version() -> str:
    """The version of the product."""
    return str(current_app.extensions["leitai.version"])
