"""The first administrator of the sample, made by the command that everybody uses."""

import os
import re
import subprocess
import sys
from typing import Any

import sqlalchemy as sa

from api.app import create_app
from api.core import db
from api.core.settings import Settings
from api.org.models import Unit
from samples.roster import name_of


def has_data(settings: Settings) -> bool:
    """Whether somebody's organisation is there already."""
    with create_app(settings).app_context(), db.reading() as conn:
        return bool(conn.scalar(sa.select(sa.func.count()).select_from(Unit)))


def make(settings: Settings, organization: dict[str, Any], who: tuple[str, str]) -> str:
    """Make the first administrator, who stands in the roster too; the one-time password."""
    company, number = who
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "create-admin"]
    arguments = [
        "--company", company, "--number", number, "--name", name_of(company, number),
        "--group", organization["group"]["name"],
    ]  # fmt: skip
    environment = {**os.environ, "LEITAI_HOME": str(settings.home)}
    made = subprocess.run(
        [*command, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    found = re.search(r"password (\S+)", made.stdout)
    assert found is not None, made.stdout
    return found.group(1)
