"""The command line: `flask --app wsgi ...` collects each domain's commands."""

import json
import sys
from datetime import timedelta

import click
from flask import Flask, current_app

from api.contests.queries import attempts
from api.core import auth, clock, db, events, health, openapi
from api.core.http import Operation
from api.core.settings import Settings
from api.org import commands as org_commands
from api.points import commands as point_commands
from api.points.service import oracle


def register(app: Flask) -> None:
    """Add all commands to `app`."""
    app.cli.add_command(openapi_document)
    app.cli.add_command(show_events)
    app.cli.add_command(requeue)
    app.cli.add_command(doctor)
    app.cli.add_command(roles)
    app.cli.add_command(verify)
    org_commands.register(app)
    point_commands.register(app)


@click.command("openapi")
def openapi_document() -> None:
    """Print the OpenAPI document."""
    click.echo(openapi.rendered(_app()).decode())


@click.command("events")
def show_events() -> None:
    """Print who reacts to which event."""
    for reaction in events.table():
        kinds = ", ".join(kind.__name__ for kind in reaction.on)
        click.echo(f"{kinds:40} -> {reaction.name}{'  (outside)' if reaction.outside else ''}")


@click.command("requeue")
@click.argument("reaction", required=False)
def requeue(reaction: str | None) -> None:
    """Give events that were set aside another round of tries."""
    with db.transaction():
        count = events.requeue(reaction)
    click.echo(f"{count} events will be tried again.")


@click.command("doctor")
def doctor() -> None:
    """Print the settings (secrets hidden) and check every part; exit 1 if one is away."""
    settings: Settings = _app().extensions["leitai.settings"]
    for name, value in settings.printable().items():
        click.echo(f"{name:20} {value}")
    report = health.report()
    click.echo(json.dumps(report, indent=2))
    if not report["ready"] or report["degraded"]:
        sys.exit(1)


@click.command("roles")
def roles() -> None:
    """Print the table of roles and operations as CSV."""
    click.echo("\n".join(role_table(openapi.declared(_app()))))


@click.command("verify")
def verify() -> None:
    """Check ledger = totals = boards, deadlines kept, outbox empty; exit 1 at a difference."""
    found = oracle.differences()
    with db.reading():
        waiting = events.backlog()
        overdue = attempts.overdue(clock.now() - timedelta(minutes=3), 10)
    found += [f"attempt {attempt_id} is open past its deadline" for attempt_id in overdue]
    found += [f"{count} events are {name}" for name, count in waiting.items() if count]
    for line in found:
        click.echo(line)
    click.echo("nothing to report" if not found else f"{len(found)} differences")
    if found:
        sys.exit(1)


def role_table(declared: list[Operation]) -> list[str]:
    """One line an operation: method, path, then for each role what it may touch.

    "own": objects its grants cover; "all": whatever the service finds visible for it; "": nothing.
    """
    lines = ["method,path,anyone," + ",".join(auth.ROLES)]
    for operation in sorted(declared, key=lambda o: (o.path, o.method)):
        anyone = "" if operation.who else "all"
        cells = [_cell(operation, role) for role in auth.ROLES]
        lines.append(",".join([operation.method, operation.path, anyone, *cells]))
    return lines


def _cell(operation: Operation, role: str) -> str:
    if not operation.who:
        return "all"
    if "employee" in operation.who:
        return "all"
    if role not in operation.who:
        return ""
    return "own" if operation.over else "all"


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
