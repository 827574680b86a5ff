"""A board as people see it: from Valkey in one trip, from SQL where Valkey can't answer.

The rows of a page are the same for everybody who asks for it, so each process keeps them as they
are sent, until the board's version moves; one's own row comes with the trip that tells the version.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from api.core import auth, db
from api.core.errors import NotFound, invalid
from api.core.http import JSON_OPTIONS
from api.core.i18n import _
from api.core.ranking import Standing, competition
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.queries import catalogue, totals, views
from api.points.queries.totals import Label, Line
from api.points.rules.boards import BANDS, FEW_PEOPLE, PEOPLE, Place
from api.points.rules.periods import span
from api.points.service.cursors import Position, seal, unseal

POLL_AFTER_S = 5
POLL_WITHOUT_VALKEY_S = 15
MAX_KEPT = 512


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a board.

    `own_id`: whose row is wanted besides; `after`: the last row of the page before.
    """

    place: Place
    own_id: str | None
    limit: int
    around: bool = False
    after: Position | None = None

    @property
    def page(self) -> tuple[Any, ...] | None:
        """What the rows depend on besides the version; None where they depend on who asks."""
        return None if self.around else (self.place, self.limit, self.after)


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows as they are sent."""

    version: str
    size: int
    items: orjson.Fragment
    next_cursor: str | None


class _Pages:
    """Pages of boards by what they depend on, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, _Page] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> _Page | None:
        return self._held.get(key)

    def put(self, key: Any, page: _Page) -> None:
        with self._lock:
            self._held[key] = page
            self._held.move_to_end(key)
            if len(self._held) > MAX_KEPT:
                self._held.popitem(last=False)


_pages = _Pages()


def wish(key: str, query: dict[str, Any]) -> Wish:
    """What a request asks of a board; raises NotFound for one there isn't, Invalid."""
    if key not in views.KEYS or key in catalogue.switched_off():
        raise NotFound(_("There is no such board, or it is switched off."))
    place = Place(key, _period(key, query["period"]), _scope(key, query))
    cursor = query["cursor"]
    return Wish(
        place=place,
        own_id=auth.principal().member_id if place.of_people else None,
        limit=query["limit"],
        around=query["around"] is not None,
        after=unseal(cursor, place) if cursor is not None else None,
    )


def _period(key: str, asked: str | None) -> str:
    period = asked or views.present_month()
    if span(period, catalogue.seasons()) is None:
        raise invalid("period", _("There is no such period."))
    if key != PEOPLE and views.is_short(period):
        raise invalid("period", _("Branches are ranked by month, quarter, season and year."))
    return period


def _scope(key: str, query: dict[str, Any]) -> str:
    """The part of a board that is asked for: one of a unit, a branch or a band."""
    asked = [name for name in ("unit", "branch", "band") if query[name]]
    if len(asked) > 1:
        raise invalid(asked[1], _("Narrow a board by one thing at a time."))
    if not asked:
        return ""
    name = asked[0]
    if (name == "branch") != (key == PEOPLE) and name != "unit":
        raise invalid(name, _("People are narrowed by unit or branch, branches by unit or band."))
    if name == "band" and query["band"] not in BANDS:
        raise invalid("band", _("A band is one of {bands}.", bands=", ".join(BANDS)))
    if key == PEOPLE and views.is_short(query["period"] or ""):
        raise invalid("period", _("Within a unit or branch there are months and longer periods."))
    return f"{name}:{query[name]}"


def board(wanted: Wish, shown: dict[str, Any]) -> dict[str, Any]:
    """LeaderboardOut."""
    place = wanted.place
    explain = f"/api/v1/leaderboards/{place.board}/explain?period={place.period}"
    scope = place.scope or None
    return {
        "key": place.board, "period": place.period, "scope": scope, "explain": explain, **shown,
    }  # fmt: skip


def read(wish: Wish, known: str) -> tuple[str, dict[str, Any] | None]:
    """(version, the board); the board is None where `known` is its version already.

    Without Valkey, or while the board isn't built there, the board comes from SQL and says so.
    Raises NotFound for a unit or branch there isn't.
    """
    held = _pages.get(wish.page) if wish.page else None
    if catalogue.showing():
        # Somebody's name may have to go (or come) though Valkey doesn't know yet.
        known, held = "", None
    try:
        board = adapters.read(
            wish.place, known=known, held=held.version if held else "", own_id=wish.own_id,
            limit=wish.limit + 1, after=wish.after[:2] if wish.after else None,
            around=wish.around,
        )  # fmt: skip
    except ValkeyDown:
        return "", _from_sql(wish, stale=True)
    if board is None:
        return "", _unbuilt(wish)
    if board.version == known:
        return board.version, None
    page = held if held and board.rows is None else _made(wish, board)
    return board.version, _from_valkey(wish, board, page)


def _unbuilt(wish: Wish) -> dict[str, Any]:
    found = _from_sql(wish, stale=False)
    with suppress(ValkeyDown):
        adapters.want(wish.place)
    return found


def _made(wish: Wish, board: adapters.Board) -> _Page:
    """The page of rows that came; kept where it is the same for everybody."""
    assert board.rows is not None
    unpack = wish.place.packing.unpack
    lines = [Line(row.subject_id, *unpack(row.score)) for row in board.rows]
    labels = {row.subject_id: row.label for row in board.rows if row.label is not None}
    fresh = catalogue.showing()
    unknown = [
        line.subject_id
        for line in lines
        if line.subject_id not in labels or line.subject_id in fresh
    ]
    if unknown:
        labels |= _missing_labels(wish.place, unknown)
    rows = _rows(wish, lines, labels, board.size, board.first_rank, board.start)
    items = orjson.Fragment(orjson.dumps(rows["items"], option=JSON_OPTIONS))
    page = _Page(board.version, board.size, items, rows["next_cursor"])
    if wish.page and not unknown:
        _pages.put(wish.page, page)
    return page


def _missing_labels(place: Place, subject_ids: list[str]) -> dict[str, Label]:
    with db.reading():
        return totals.labels(place, subject_ids)


def _from_valkey(wish: Wish, board: adapters.Board, page: _Page) -> dict[str, Any]:
    own = None
    if board.own:
        numbers = _numbers(wish.place, *wish.place.packing.unpack(board.own.score))
        own = {"rank": board.own.rank, **numbers}
    return {
        "version": board.version,
        "source": "valkey",
        "stale": False,
        "size": page.size,
        "poll_after_s": POLL_AFTER_S,
        "items": page.items,
        "next_cursor": page.next_cursor,
        "me": own,
    }


def _from_sql(wish: Wish, *, stale: bool) -> dict[str, Any]:
    place = wish.place
    with db.reading():
        if not totals.exists(place.scope):
            raise NotFound
        size = totals.size(place)
        own = totals.line_of(place, wish.own_id) if wish.own_id else None
        lines, first, start = _sql_lines(wish, own, size)
        labels = totals.labels(place, [line.subject_id for line in lines])
        mine = _own_from_sql(wish, own, size)
    return {
        "version": "",
        "source": "sql",
        "stale": stale,
        "size": size,
        "poll_after_s": POLL_WITHOUT_VALKEY_S,
        **_rows(wish, lines, labels, size, first, start),
        "me": mine,
    }


def _own_from_sql(wish: Wish, own: Line | None, size: int) -> dict[str, Any] | None:
    """One's row; the rank is left open on a board too large to count."""
    if own is None:
        return None
    rank = None
    if size <= totals.COUNT_UP_TO:
        rank = totals.rank_of(wish.place, own.points)
    return {"rank": rank, **_numbers(wish.place, own.points, own.reached_s)}


def _sql_lines(wish: Wish, own: Line | None, size: int) -> tuple[list[Line], int, int]:
    """(rows, rank of the first, how many stand before it); a rank of 0 is not known."""
    if wish.after:
        at = wish.after
        last = Line(at.subject_id, *wish.place.packing.unpack(at.score))
        lines = totals.page(wish.place, last, wish.limit + 1)
        same = bool(lines) and lines[0].points == last.points
        return lines, at.rank if same else at.position + 1, at.position
    if wish.around and own:
        return _sql_around(wish, own, size)
    return totals.page(wish.place, None, wish.limit + 1), 1, 0


def _sql_around(wish: Wish, own: Line, size: int) -> tuple[list[Line], int, int]:
    half = wish.limit // 2
    above = totals.page(wish.place, own, half, upward=True)[::-1]
    below = totals.page(wish.place, own, wish.limit - len(above))
    lines = [*above, own, *below]
    if size > totals.COUNT_UP_TO:
        return lines, 0, 0
    first = totals.rank_of(wish.place, lines[0].points)
    return lines, first, totals.before(wish.place, lines[0])


def _rows(
    wish: Wish,
    lines: list[Line],
    labels: Mapping[str, Label],
    size: int,
    first: int,
    start: int,
) -> dict[str, Any]:
    """ "items" and "next_cursor"; hidden people without name, and without a row on a board of
    fewer than ten."""
    shown = lines[: wish.limit]
    standings = competition([line.points for line in shown], first=first, before=start)
    item = _person if wish.place.of_people else partial(_branch, wish.place)
    items = [
        item(line, standing, labels.get(line.subject_id, ""))
        for line, standing in zip(shown, standings, strict=True)
        if labels.get(line.subject_id) or size >= FEW_PEOPLE
    ]
    cursor = None
    if len(lines) > wish.limit and not wish.around and (rank := standings[-1].rank):
        last = shown[-1]
        score = wish.place.packing.pack(last.points, last.reached_s)
        place = Position(score, last.subject_id, rank, start + len(shown))
        cursor = seal(place, wish.place)
    return {"items": items, "next_cursor": cursor}


def _person(line: Line, standing: Standing, name: Any) -> dict[str, Any]:
    return {
        "rank": standing.rank,
        "subject_id": line.subject_id if name else None,
        "name": name or None,
        "hidden": not name,
        "small": False,
        "points": line.points,
        "reached_at": datetime.fromtimestamp(line.reached_s, UTC),
        "tie_break": _tie_break(standing, str(line.points)),
    }


def _branch(place: Place, line: Line, standing: Standing, label: Any) -> dict[str, Any]:
    """A branch's row; of fewer than ten people no figure that comes close to one person's."""
    name, small = label or ("", True)
    return {
        "rank": standing.rank,
        "subject_id": line.subject_id,
        "name": name,
        "hidden": False,
        "small": small,
        **(_numbers(place, line.points, line.reached_s) if not small else _NO_NUMBERS),
        "tie_break": _tie_break(standing, None if small else f"{line.points / 100:.2f}"),
    }


_NO_NUMBERS: dict[str, Any] = {"points": None, "reached_at": None}


def _tie_break(standing: Standing, value: str | None) -> dict[str, Any]:
    return {"rule": "shared" if standing.shared else "points", "value": value}


def _numbers(place: Place, points: int, reached_s: int) -> dict[str, Any]:
    value: float = points if place.of_people else points / 100
    return {"points": value, "reached_at": datetime.fromtimestamp(reached_s, UTC)}


def note_labels(place: Place, labels: Mapping[str, Label]) -> None:
    """Let Valkey know what a board's subjects are called; raises ValkeyDown.

    People are only added: they are replaced by the reaction to MemberShown alone, which knows
    the latest.  Branches can't hide, so theirs may be written again at any time.
    """
    if place.of_people:
        adapters.add_labels(place, labels)
    else:
        adapters.store_labels(place, labels)


def rank_this_month(member_id: str) -> int | None:
    """One's rank among all people this month, where Valkey knows it; None too where the board is
    switched off."""
    place = Place(PEOPLE, views.present_month())
    board = None
    if PEOPLE not in catalogue.switched_off():
        with suppress(ValkeyDown):
            board = adapters.read(place, own_id=member_id, limit=1)
    return board.own.rank if board and board.own else None
