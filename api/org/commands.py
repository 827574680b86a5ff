"""The first administrator, from the command line."""

import click
import sqlalchemy as sa
from flask import Flask
from flask.cli import with_appcontext

from api.core import audit, clock, db
from api.org.models import Member, RoleGrant, Unit
from api.org.service import members, passwords, structure


def register(app: Flask) -> None:
    """Add this domain's commands to `app`."""
    app.cli.add_command(create_admin)


@click.command("create-admin")
@click.option("--company", required=True, help="The company's code, made if it doesn't exist.")
@click.option("--name", required=True, help="The administrator's name.")
@click.option("--number", required=True, help="The employee number to sign in with.")
@click.option("--group", default="Group", show_default=True, help="The name of a new group.")
@with_appcontext
def create_admin(company: str, name: str, number: str, group: str) -> None:
    """Make an administrator of the whole organisation; prints a password that is good once."""
    with db.transaction(durable=True):
        member = _member(_company(company, group), number, name)
        _make_admin(member.id)
        slip = passwords.give_slips([member])[0]
        audit.record("create_admin", f"/members/{member.id}")
    click.echo(f"Company {company}, number {number}, password {slip.password}")
    click.echo("The password is good once, for 14 days; sign in with it and a new_password.")


def _company(code: str, group: str) -> Unit:
    known = db.session().scalar(sa.select(Unit).where(Unit.code == code, Unit.kind == "company"))
    if known is not None:
        return known
    root = db.session().scalar(sa.select(Unit).where(Unit.kind == "group").order_by(Unit.id))
    if root is None:
        made = {"kind": "group", "parent_id": None, "code": None, "name": group}
        root = structure.create_unit(made)
    return structure.create_unit(
        {"kind": "company", "parent_id": root.id, "code": code, "name": code}
    )


def _member(company: Unit, number: str, name: str) -> Member:
    """The member of this number, made where there is none."""
    known = db.session().scalar(
        sa.select(Member).where(Member.company_id == company.id, Member.number == number)
    )
    if known is not None:
        return known
    return members.create_member(
        {"company_id": company.id, "unit_id": company.id, "number": number, "name": name,
         "status": "active"}
    )  # fmt: skip


def _make_admin(member_id: str) -> None:
    db.session().add(RoleGrant(member_id=member_id, role="admin", from_at=clock.now()))
    db.session().flush()
    passwords.void_access([member_id])
