"""What happens in the organisation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """A member joined or left a branch, or began or ceased to count among its present members.

    `since`: the first day for which the member's branches are others now, as "2026-11-23".
    """

    member_id: str
    branch_id: str
    kind: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class MemberMoved:
    """A member works in another unit now."""

    member_id: str
    unit_id: str


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A member left the organisation; the memberships are closed."""

    member_id: str


@dataclass(frozen=True, slots=True)
class MemberShown:
    """How a member is shown to others changed: the name, the nickname, or hiding from boards."""

    member_id: str
