"""What the workers run.  Arguments are names and ids only, so that the queue holds no secret."""

from functools import cache

from flask import Flask

from api.app import create_app
from api.core import events, jobs


@cache
def application() -> Flask:
    """The application of this process; a worker makes it before it forks."""
    return create_app()


def drain(name: str) -> int:
    """Apply what waits in the outbox for the reaction `name`; returns how many rows."""
    with application().app_context():
        return events.drain(name)


def run_job(job_id: str) -> None:
    """Run one row of `jobs` to its end, or from where it was left."""
    with application().app_context():
        jobs.run(job_id)
