"""A supervisor and a Valkey of each test's own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from api.core.settings import Settings
from tests.workers.system import ROOT, Installation, until
from workers import valkey


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    installation.stop()


@pytest.fixture
def real_valkey(tmp_path: Path) -> Iterator["redis.Redis"]:
    """A connection to a real Valkey of this test alone."""
    settings = Settings.from_env({"LEITAI_HOME": str(tmp_path)})
    process = subprocess.Popen(
        valkey.command(settings), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: valkey.answers(settings))
    with redis.Redis.from_url(settings.redis_url) as connection:
        yield connection
    valkey.shut_down(settings)
    process.wait(5)
