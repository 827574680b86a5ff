"""Figures that are no ratios of costs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is no ratio of costs; `bounds` for SQLite and PostgreSQL are the most it may
    be, or the least."""

    title: str
    value: float
    unit: str
    note: str
    bounds: tuple[float, float] | None = None
    least: bool = False

    def bound(self, database: str) -> float | None:
        """The bound of performance.md, if there is one."""
        return self.bounds and self.bounds[0 if database == "sqlite" else 1]
