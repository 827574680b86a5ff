"""The one list of parts and the one table of who reacts to what."""

import tomllib
from functools import cache
from pathlib import Path

from flask import Flask

from api.badges import reactions as badge_reactions
from api.badges import service as badges
from api.badges.routes import routes as badge_routes
from api.contests import jobs as contest_jobs
from api.contests.events import AttemptMarked, ResultsSettled
from api.contests.routes.attempts import routes as attempt_routes
from api.contests.routes.banks import routes as bank_routes
from api.contests.routes.contests import routes as contest_routes
from api.core import (
    auth,
    clock,
    db,
    events,
    failpoints,
    handlers,
    idempotency,
    jobs,
    logs,
    migrations,
    openapi,
    people_pages,
    schedule,
    valkey,
)
from api.core.events import Reaction
from api.core.routes import routes as system_routes
from api.core.schedule import Task
from api.core.settings import Settings
from api.me.routes import routes as me_routes
from api.messages.routes import routes as message_routes
from api.org import jobs as org_jobs
from api.org.events import MembershipChanged, MemberShown
from api.org.queries import tree
from api.org.routes.members import routes as member_routes
from api.org.routes.sign_in import routes as sign_in_routes
from api.org.routes.structure import routes as structure_routes
from api.org.service import sessions
from api.points import jobs as point_jobs
from api.points import reactions as point_reactions
from api.points.events import BoardsTouched, BranchesTouched, PointsCredited
from api.points.routes import routes as point_routes
from api.points.service import branches
from api.points.service import rules as point_rules

ROUTES = [
    system_routes,
    sign_in_routes,
    structure_routes,
    member_routes,
    message_routes,
    point_routes,
    bank_routes,
    contest_routes,
    attempt_routes,
    badge_routes,
    me_routes,
]

REACTIONS = [
    Reaction(
        "points.totals", on=(PointsCredited, MembershipChanged), apply=point_reactions.on_ledger
    ),
    Reaction("points.branches", on=(BranchesTouched,), apply=point_reactions.on_branches),
    Reaction("points.boards", on=(BoardsTouched,), apply=point_reactions.on_boards, outside=True),
    Reaction("points.names", on=(MemberShown,), apply=point_reactions.on_shown, outside=True),
    Reaction("badges.attempts", on=(AttemptMarked,), apply=badge_reactions.on_attempts),
    Reaction("badges.results", on=(ResultsSettled,), apply=badge_reactions.on_results),
]

JOBS = [
    org_jobs.ROSTER,
    contest_jobs.SETTLE,
    contest_jobs.IMPORT,
    point_jobs.REBUILD,
    point_jobs.RECOUNT_ALL,
]

TASKS = [
    Task("contests.close_overdue", every_s=2, run=contest_jobs.close_overdue),
    Task("contests.settle", every_s=3, run=contest_jobs.settle_due),
    Task("points.boards", every_s=1, run=point_jobs.boards_owed),
    Task("points.heads", every_s=2, run=branches.count_owed),
    Task("org.forget_sessions", every_s=3600, run=sessions.forget_old),
    Task("core.forget_replies", every_s=3600, run=idempotency.forget_old_replies),
]


def create_app(settings: Settings | None = None) -> Flask:
    """The application.  `settings` default to the environment's."""
    settings = settings or Settings.from_env()
    app = Flask("leitai", static_folder=None)
    app.extensions["leitai.settings"] = settings
    app.extensions["leitai.version"] = _version()
    logs.configure(settings.log_level)
    _test_mode(settings)
    db.configure(app, settings)
    migrations.configure(app)
    valkey.configure(settings.redis_url)
    auth.configure(app, settings, tree.path_of)
    handlers.configure(app, settings)
    for routes in ROUTES:
        routes.register(app)
    events.configure(REACTIONS)
    jobs.configure(JOBS)
    schedule.configure(TASKS)
    app.extensions["leitai.openapi"] = cache(lambda: openapi.rendered(app))
    people_pages.register(app)
    return app


def install_presets(app: Flask) -> None:
    """Give a fresh installation its point rules and badges; what is there stays as it is."""
    with app.app_context(), db.transaction():
        point_rules.install_presets()
        badges.install_presets()


def _test_mode(settings: Settings) -> None:
    if settings.test_mode:
        clock.follow(settings.home / "test-clock")
        failpoints.enable(settings.home / "failpoints")


def _version() -> str:
    """The project's version; it runs from its own tree, so that is where the number stands."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    found: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return found
