"""Deadlines by the server's clock.  Instants are aware and in UTC; spans are in seconds."""

from datetime import datetime, timedelta
from typing import Literal

Verdict = Literal["in_time", "in_grace", "late"]


def phase(
    now: datetime,
    opens_at: datetime,
    closes_at: datetime,
    *,
    paused: bool,
    state: str,
    released: bool = False,
) -> str:
    """What the clock makes of a contest's state: "upcoming", "open", "paused" or "closed" while it
    is published (open from the first instant, closed from the last), else the state itself, with
    "settling" shown as "closed" and "settled" as "released" once it is."""
    if state == "settled":
        return "released" if released else "settled"
    if state != "published":
        return "closed" if state == "settling" else state
    if now < opens_at:
        return "upcoming"
    if now >= closes_at:
        return "closed"
    return "paused" if paused else "open"


def deadline(
    started_at: datetime, limit_s: int, closes_at: datetime, extra_percent: int
) -> datetime:
    """When an attempt ends: its own limit (with extra time), never after the contest's close."""
    allowance = timedelta(seconds=limit_s) * (100 + extra_percent) / 100
    return min(started_at + allowance, closes_at)


def verdict(now: datetime, deadline_at: datetime, grace_s: int) -> Verdict:
    """What arrives at `now` is in time up to and including the deadline's instant, in grace up to
    and including `grace_s` later."""
    if now <= deadline_at:
        return "in_time"
    return "in_grace" if now <= deadline_at + timedelta(seconds=grace_s) else "late"
