"""What contests announce."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AttemptMarked:
    """An attempt was submitted, or closed by its deadline, and marked.

    Scores are hundredths of a point; `marked_at` is when it counts: the submission or the
    deadline.
    """

    attempt_id: str
    contest_id: str
    member_id: str
    score_hundredths: int
    max_hundredths: int
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class ResultsSettled:
    """A contest's results were ranked: one version of them is ready."""

    contest_id: str
    results_version: int
    settled_at: datetime
