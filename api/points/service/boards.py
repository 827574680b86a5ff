"""A board as people see it: from Valkey in one trip, from SQL where Valkey can't answer."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.core import auth, clock, db, pages
from api.core.errors import NotFound, invalid
from api.core.i18n import _
from api.core.valkey import ValkeyDown
from api.points import adapters
from api.points.models import BoardTotal
from api.points.queries import ledger, totals, views
from api.points.queries.totals import Line
from api.points.rules import pack, unpack

SMALL = 10
POLL_AFTER_S = 5
POLL_WITHOUT_VALKEY_S = 15
_CURSOR = [
    BoardTotal.__table__.c.sum_points,
    BoardTotal.__table__.c.subject_id,
    BoardTotal.__table__.c.heads,
    BoardTotal.__table__.c.points,
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a board.

    `own_id`: whose row is wanted besides; `after`: the last row of the page before, as (packed
    score, subject, its rank, its position).
    """

    board: str
    period: str
    own_id: str | None
    limit: int
    around: bool = False
    after: tuple[int, str, int, int] | None = None


def parse_cursor(cursor: str | None) -> tuple[int, str, int, int] | None:
    """The place a cursor stands for; raises Invalid."""
    if cursor is None:
        return None
    score, subject, rank, position = pages.decode_cursor(cursor, _CURSOR)
    if not (0 < rank <= 2**31 and 0 < position <= 2**31):
        raise invalid("cursor", _("This cursor isn't one of ours. Start again without a cursor."))
    return score, subject, rank, position


def wish(key: str, query: dict[str, Any]) -> Wish:
    """What a request asks of a board; raises NotFound for one there isn't."""
    if key not in views.KEYS:
        raise NotFound
    return Wish(
        board=key,
        period=query["period"] or views.present_month(),
        own_id=auth.principal().member_id if key == totals.PEOPLE else None,
        limit=query["limit"],
        around=query["around"] is not None,
        after=parse_cursor(query["cursor"]),
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
        score, subject, rank, position = wish.after
        last = Line(subject, *unpack(score))
        lines = totals.page(wish.board, wish.period, last, wish.limit + 1)
        same = bool(lines) and lines[0].points == last.points
        return lines, rank if same else position + 1, position
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
    """ "items" and "next_cursor": competition ranks 1, 2, 2, 4; hidden people without name, and
    without a row on a board of fewer than ten."""
    items: list[dict[str, Any]] = []
    rank, above = first, None
    for position, line in enumerate(lines[: wish.limit], start=start + 1):
        shared = above is not None and above.points == line.points
        if above is not None and not shared and first:
            rank = position
        name = names.get(line.subject_id, "")
        if name or size >= SMALL:
            items.append(_item(wish.board, line, rank or None, name, shared))
        above = line
    cursor = None
    if len(lines) > wish.limit and above is not None and rank and not wish.around:
        place = start + wish.limit
        score = pack(above.points, above.reached_s)
        cursor = pages.encode_cursor([score, above.subject_id, rank, place])
    return {"items": items, "next_cursor": cursor}


def _item(board: str, line: Line, rank: int | None, name: str, shared: bool) -> dict[str, Any]:
    return {
        "rank": rank,
        "subject_id": line.subject_id if name else None,
        "name": name or None,
        "hidden": not name,
        **_numbers(board, line.points, line.reached_s),
        "tie_break": {"rule": "shared" if shared else "points", "value": str(line.points)},
    }


def _numbers(board: str, points: int, reached_s: int) -> dict[str, Any]:
    value: float = points if board == totals.PEOPLE else points / 100
    return {"points": value, "reached_at": datetime.fromtimestamp(reached_s, UTC)}


def home(member_id: str) -> dict[str, Any]:
    """Points this month and in all, the month's rank where Valkey knows it, what is left today."""
    month = views.present_month()
    board = None
    with suppress(ValkeyDown):
        board = adapters.read(totals.PEOPLE, month, own_id=member_id, limit=1)
    return {
        "period": month,
        **ledger.balances(member_id, month),
        "rank": board.own.rank if board and board.own else None,
        "still_to_earn": ledger.still_to_earn(member_id, clock.now()),
    }
