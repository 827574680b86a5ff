"""Load the sample organisation and play one contest, all over the public API.

    python -m samples.play --base-url http://127.0.0.1:8000

Run by the supervisor at the first start.  Only the first administrator is made directly, by
`flask create-admin`; everything else goes the way that users go.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.core.settings import LOOPBACK_HOSTS, Settings
from samples import competition, first_admin, organisation
from samples.client import Client, Refused
from samples.organisation import ADMIN, VISITOR, Sample

PLAYERS = 150
PLAY_S = 40
MARGIN_S = 5


def main() -> int:
    """Play; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    base_url = parser.parse_args().base_url
    settings = Settings.from_env()
    if urlsplit(base_url).hostname not in LOOPBACK_HOSTS or not settings.loopback:
        print("Sample data is only loaded on a loopback address.", file=sys.stderr)
        return 1
    if first_admin.has_data(settings):
        print("There is data already; the sample is left out.")
        (settings.home / "seeded").touch()
        return 0
    sample = _prepared(settings, base_url)
    try:
        _play(sample)
    except Refused as refusal:
        print(f"The sample stopped: {refusal}", file=sys.stderr)
        return 1
    finally:
        sample.close()
    _leave_word(settings, sample)
    return 0


def _prepared(settings: Settings, base_url: str) -> Sample:
    sample = Sample(base_url, organisation.organization(), Client(base_url))
    sample.slips[ADMIN] = first_admin.make(settings, sample.organization, ADMIN)
    return sample


def _play(sample: Sample) -> None:
    columns = (
        TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console()) as progress:
        sample.admin = sample.signed_in(ADMIN)
        with _step(progress, "Organisation", len(organisation.STEPS)) as done:
            for load in organisation.STEPS:
                load(sample)
                done()
        with _step(progress, "First passwords", len(sample.branches)) as done:
            organisation.slips(sample, done)
        organizer = competition.organizer(sample)
        with _step(progress, "Question bank", 1) as done:
            bank = competition.bank(sample, organizer)
            done()
        players = organisation.members_of(sample, PLAYERS)
        with _step(progress, "Employees sign in", len(players)) as done:
            clients = competition.sign_ins(sample, players, done)
        for who in (VISITOR, organisation.secretary(sample)):
            sample.signed_in(who).close()
        span = timedelta(seconds=PLAY_S)
        contest = competition.contest(sample, organizer, bank, "安全知识预赛", span, 1)
        with _step(progress, "Employees compete", len(clients)) as done:
            competition.compete(sample, contest, clients, done, PLAY_S - MARGIN_S)
        with _step(progress, "Results settle", 1) as done:
            competition.settled(organizer, contest, PLAY_S + 60)
            done()
        month = timedelta(days=30)
        competition.contest(sample, organizer, bank, "安全月知识竞赛", month, 3)


@contextmanager
def _step(progress: Progress, title: str, total: int) -> Iterator[Callable[[], None]]:
    task = progress.add_task(title, total=total)
    yield lambda: progress.advance(task)


def _leave_word(settings: Settings, sample: Sample) -> None:
    """Print sample sign-ins, and keep them where only the owner of the home can read them."""
    roles = sample.organization["roles"]
    people = {
        "employee (hasn't played yet)": VISITOR,
        "organiser (youth league)": (roles["organizer"]["company"], roles["organizer"]["number"]),
        "administrator": ADMIN,
        "secretary of a branch": organisation.secretary(sample),
    }
    lines = ["Sample sign-ins (company, number, password):"]
    for title, who in people.items():
        lines.append(f"  {title:<30} {who[0]}  {who[1]}  {sample.passwords[who]}")
    path = settings.home / "sample-sign-ins.txt"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (settings.home / "seeded").touch()
    print("\n".join(lines))
    print(f"  (kept in {path})")


if __name__ == "__main__":
    sys.exit(main())
