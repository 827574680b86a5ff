"""Long work of the organisation."""

from api.core.jobs import Kind
from api.org.service import roster

ROSTER = Kind(roster.KIND, prepare=roster.prepare, apply=roster.apply)
