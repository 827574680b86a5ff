"""`flask boards`: making boards anew by hand."""

import sys
from collections.abc import Sequence
from functools import partial

import click
from flask import Flask
from flask.cli import with_appcontext
from rich.progress import Progress

from api.core import db
from api.core.valkey import ValkeyDown
from api.points.rules.boards import Place
from api.points.service import rebuilding, totals


def register(app: Flask) -> None:
    """Add the commands to `app`."""
    app.cli.add_command(boards)


@click.group("boards")
def boards() -> None:
    """Boards: made anew from the ledger or the totals."""


@boards.command("rebuild")
@click.option("--totals", "from_ledger", is_flag=True, help="make the totals anew from the ledger")
@click.option("--board", help="only this board, like people or branches-union")
@click.option("--period", help="only this period, like 2026-11 or all")
@with_appcontext
def rebuild(from_ledger: bool, board: str | None, period: str | None) -> None:
    """Rebuild the boards of the periods under way in Valkey, while everything goes on."""
    with Progress() as progress:
        if from_ledger:
            _make_totals(progress)
        places = [
            place
            for place in rebuilding.present()
            if board in (None, place.board) and period in (None, place.period)
        ]
        if not places and board and period:
            places = [Place(board, period)]
        try:
            rows = _rebuild(progress, places)
        except ValkeyDown:
            click.echo("Valkey doesn't answer; boards come from SQL until it does.", err=True)
            sys.exit(1)
    click.echo(f"{len(places)} boards with {rows} rows are built.")


def _make_totals(progress: Progress) -> None:
    with db.reading():
        count = rebuilding.count_members()
    task, after = progress.add_task("totals from the ledger", total=count), None
    while members := _next_members(after):
        with db.transaction():
            totals.recompute(members)
        after = members[-1]
        progress.advance(task, len(members))


def _next_members(after: str | None) -> list[str]:
    with db.reading():
        return rebuilding.next_members(after)


def _rebuild(progress: Progress, places: Sequence[Place]) -> int:
    rows = 0
    for place in places:
        task = progress.add_task(f"{place.board} {place.period}", total=None)
        rows += rebuilding.rebuild(place, partial(progress.advance, task))
    return rows
