"""Real processes for the promises that need some: they end with the test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.system import System


@pytest.fixture
def system(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[System]:
    """A whole installation: supervisor, Valkey, API, relay, workers; on the database at hand."""
    database_url = None
    if os.environ.get("TEST_DATABASE_URL"):
        database_url = request.getfixturevalue("database_url")
    system = System(tmp_path / "home", database_url)
    yield system
    system.close()
