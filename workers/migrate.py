"""`python -m workers.migrate`: bring the database up to date, then end."""

from api.app import create_app, install_presets
from api.core import migrations


def main() -> None:
    """Run the migrations that are due, and install what every installation starts with."""
    app = create_app()
    migrations.upgrade(app)
    install_presets(app)


if __name__ == "__main__":
    main()
