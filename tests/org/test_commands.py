"""The first administrator."""

import re

from flask import Flask

from api.org.commands import create_admin
from tests.factories import World
from tests.org.accounts import NEW_PASSWORD, login

ARGUMENTS = ["--company", "C1", "--name", "Chief", "--number", "00001"]


def test_create_admin_on_an_empty_database(app: Flask, world: World) -> None:
    result = app.test_cli_runner().invoke(create_admin, ARGUMENTS)
    assert result.exit_code == 0, result.output
    slip = re.findall(r"password (\S+)", result.output)[0]
    reply = login(world, "00001", slip, new_password=NEW_PASSWORD)
    assert reply.status_code == 200
    headers = {"Authorization": f"Bearer {reply.get_json()['access_token']}"}
    me = world.client.get("/api/v1/me", headers=headers).get_json()
    assert [role["role"] for role in me["roles"]] == ["admin"]
    units = world.client.get("/api/v1/units", headers=headers).get_json()["items"]
    assert [(unit["kind"], unit["name"]) for unit in units] == [
        ("group", "Group"),
        ("company", "C1"),
    ]


def test_create_admin_again_gives_a_new_slip(app: Flask, world: World) -> None:
    app.test_cli_runner().invoke(create_admin, ARGUMENTS)
    again = app.test_cli_runner().invoke(create_admin, ARGUMENTS)
    assert again.exit_code == 0
    slip = re.findall(r"password (\S+)", again.output)[0]
    assert login(world, "00001", slip, new_password=NEW_PASSWORD).status_code == 200
