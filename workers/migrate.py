"""`python -m workers.migrate`: bring the database up to date, then end."""

from api.app import create_app
from api.core import migrations


def main() -> None:
    """Run the migrations that are due."""
    migrations.upgrade(create_app())


if __name__ == "__main__":
    main()
