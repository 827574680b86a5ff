"""A board as people see it: from Valkey in one trip, from SQL where Valkey can't answer."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.core import auth, db
from api.core.errors import NotFound
from api.core.ranking import Standing, competition
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.queries import totals, views
from api.points.queries.totals import Line
from api.points.rules import pack, unpack
from api.points.service.cursors import Place, seal, unseal

SMALL = 10
POLL_AFTER_S = 5
POLL_WITHOUT_VALKEY_S = 15


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a board.

    `own_id`: whose row is wanted besides; `after`: the last row of the page before.
    """

    board: str
    period: str
    own_id: str | None
    limit: int
    around: bool = False
    after: Place | None = None


def wish(key: str, query: dict[str, Any]) -> Wish:
    """What a request asks of a board; raises NotFound for one there isn't, Invalid."""
    if key not in views.KEYS:
        raise NotFound
    period, cursor = query["period"] or views.present_month(), query["cursor"]
    return Wish(
        board=key,
        period=period,
        own_id=auth.principal().member_id if key == totals.PEOPLE else None,
        limit=query["limit"],
        around=query["around"] is not None,
        after=unseal(cursor, key, period) if cursor is not None else None,
    )


def board(wanted: Wish, shown: dict[str, Any]) -> dict[str, Any]:
    """LeaderboardOut."""
    explain = f"/api/v1/leaderboards/{wanted.board}/explain?period={wanted.period}"
    return {"key": wanted.board, "period": wanted.period, "explain": explain, **shown}


def read(wish: Wish, known: str) -> tuple[str, dict[str, Any] | None]:
    """(version, the board); the board is None where `known` is its version already.

    Without Valkey, or while the board isn't built there, the board comes from SQL and says so.
    """
    try:
        board = adapters.read(
            wish.board, wish.period, known=known, own_id=wish.own_id, limit=wish.limit + 1,
            after=wish.after[:2] if wish.after else None, around=wish.around,
        )  # fmt: skip
    except ValkeyDown:
        board = None
    if board is None:
        return _from_sql(wish)
    if board.rows is None:
        return board.version, None
    return board.version, _from_valkey(wish, board)


def _from_valkey(wish: Wish, board: adapters.Board) -> dict[str, Any]:
    assert board.rows is not None
    lines = [Line(row.subject_id, *unpack(row.score)) for row in board.rows]
    names = {row.subject_id: row.name for row in board.rows if row.name is not None}
    if len(names) < len(lines):
        names |= _missing_names(wish.board, [line.subject_id for line in lines])
    own = None
    if board.own:
        own = {"rank": board.own.rank, **_numbers(wish.board, *unpack(board.own.score))}
    return {
        "version": board.version,
        "source": "valkey",
        "stale": False,
        "size": board.size,
        "poll_after_s": POLL_AFTER_S,
        **_rows(wish, lines, names, board.size, board.first_rank, board.start),
        "me": own,
    }


def _missing_names(board: str, subject_ids: list[str]) -> dict[str, str]:
    with db.reading():
        return totals.names(board, subject_ids)


def _from_sql(wish: Wish) -> tuple[str, dict[str, Any]]:
    with db.reading():
        size = totals.size(wish.board, wish.period)
        own = _own_line(wish)
        lines, first, start = _sql_lines(wish, own, size)
        names = totals.names(wish.board, [line.subject_id for line in lines])
        mine = _own_from_sql(wish, own, size)
    shown = {
        "version": "",
        "source": "sql",
        "stale": True,
        "size": size,
        "poll_after_s": POLL_WITHOUT_VALKEY_S,
        **_rows(wish, lines, names, size, first, start),
        "me": mine,
    }
    return "", shown


def _own_line(wish: Wish) -> Line | None:
    return totals.line_of(wish.board, wish.period, wish.own_id) if wish.own_id else None


def _own_from_sql(wish: Wish, own: Line | None, size: int) -> dict[str, Any] | None:
    """One's row; the rank is left open on a board too large to count."""
    if own is None:
        return None
    rank = None
    if size <= totals.COUNT_UP_TO:
        rank = totals.rank_of(wish.board, wish.period, own.points)
    return {"rank": rank, **_numbers(wish.board, own.points, own.reached_s)}


def _sql_lines(wish: Wish, own: Line | None, size: int) -> tuple[list[Line], int, int]:
    """(rows, rank of the first, how many stand before it); a rank of 0 is not known."""
    if wish.after:
        place = wish.after
        last = Line(place.subject_id, *unpack(place.score))
        lines = totals.page(wish.board, wish.period, last, wish.limit + 1)
        same = bool(lines) and lines[0].points == last.points
        return lines, place.rank if same else place.position + 1, place.position
    if wish.around and own:
        return _sql_around(wish, own, size)
    return totals.page(wish.board, wish.period, None, wish.limit + 1), 1, 0


def _sql_around(wish: Wish, own: Line, size: int) -> tuple[list[Line], int, int]:
    half = wish.limit // 2
    above = totals.page(wish.board, wish.period, own, half, upward=True)[::-1]
    below = totals.page(wish.board, wish.period, own, wish.limit - len(above))
    lines = [*above, own, *below]
    if size > totals.COUNT_UP_TO:
        return lines, 0, 0
    first = totals.rank_of(wish.board, wish.period, lines[0].points)
    return lines, first, totals.before(wish.board, wish.period, lines[0])


def _rows(
    wish: Wish, lines: list[Line], names: dict[str, str], size: int, first: int, start: int
) -> dict[str, Any]:
    """ "items" and "next_cursor"; hidden people without name, and without a row on a board of
    fewer than ten."""
    shown = lines[: wish.limit]
    standings = competition([line.points for line in shown], first=first, before=start)
    items = [
        _item(wish.board, line, standing, names.get(line.subject_id, ""))
        for line, standing in zip(shown, standings, strict=True)
        if names.get(line.subject_id) or size >= SMALL
    ]
    cursor = None
    if len(lines) > wish.limit and not wish.around and (rank := standings[-1].rank):
        last = shown[-1]
        place = Place(pack(last.points, last.reached_s), last.subject_id, rank, start + len(shown))
        cursor = seal(place, wish.board, wish.period)
    return {"items": items, "next_cursor": cursor}


def _item(board: str, line: Line, standing: Standing, name: str) -> dict[str, Any]:
    value = str(line.points) if board == totals.PEOPLE else f"{line.points / 100:.2f}"
    return {
        "rank": standing.rank,
        "subject_id": line.subject_id if name else None,
        "name": name or None,
        "hidden": not name,
        **_numbers(board, line.points, line.reached_s),
        "tie_break": {"rule": "shared" if standing.shared else "points", "value": value},
    }


def _numbers(board: str, points: int, reached_s: int) -> dict[str, Any]:
    value: float = points if board == totals.PEOPLE else points / 100
    return {"points": value, "reached_at": datetime.fromtimestamp(reached_s, UTC)}


def note_names(board: str, names: Mapping[str, str]) -> None:
    """Let Valkey know the names of a board's subjects; raises ValkeyDown.

    People's are only added: they are replaced by the reaction to MemberShown alone, which knows
    the latest.  Branches can't hide, so theirs may be written again at any time.
    """
    if board == totals.PEOPLE:
        adapters.add_names(names)
    else:
        adapters.store_names(names)


def rank_this_month(member_id: str) -> int | None:
    """One's rank among all people this month, where Valkey knows it."""
    board = None
    with suppress(ValkeyDown):
        board = adapters.read(totals.PEOPLE, views.present_month(), own_id=member_id, limit=1)
    return board.own.rank if board and board.own else None
