"""Boards in Valkey: sorted sets of packed scores, each call one script and so one trip.

A board is `b:BOARD:PERIOD:z`.  Its meta hash says under which epoch it was built and how often it
changed since; without a meta the board is not built and is not written, so that a flushed
Valkey never passes a part for the whole.  While a rebuild runs, writers write the live set and
the new one and note what they touched, and the rebuild leaves what was touched alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from api.core import valkey
from api.core.db import id_text

NAMES = "b:names"
BUILD_S = 900

# KEYS: live, meta, new, dirty, build.  ARGV: (score, member) pairs.
_PUSH = valkey.Script("""
local live = redis.call('EXISTS', KEYS[2]) == 1
local building = redis.call('EXISTS', KEYS[5]) == 1
for i = 1, #ARGV, 2 do
  if live then redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) end
  if building then
    redis.call('ZADD', KEYS[3], ARGV[i], ARGV[i + 1])
    redis.call('SADD', KEYS[4], ARGV[i + 1])
  end
end
if live then redis.call('HINCRBY', KEYS[2], 'v', 1) end
return live
""")

# KEYS as above.  ARGV: token, seconds to live.
_BEGIN = valkey.Script("""
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('SET', KEYS[5], ARGV[1], 'EX', ARGV[2])
""")

# KEYS as above.  ARGV: token, then (score, member) pairs.  Returns 0 if the rebuild was replaced.
_CHUNK = valkey.Script("""
if redis.call('GET', KEYS[5]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  if redis.call('SISMEMBER', KEYS[4], ARGV[i + 1]) == 0 then
    redis.call('ZADD', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
return 1
""")

# KEYS as above.  ARGV: token, epoch.  Returns 0 if the rebuild was replaced.
_FINISH = valkey.Script("""
if redis.call('GET', KEYS[5]) ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[1])
else redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[2], 'epoch', ARGV[2], 'v', 0)
redis.call('DEL', KEYS[4], KEYS[5])
return 1
""")

# KEYS: live, meta, names.  ARGV: known version, own member, mode ("top", "after" or "around"),
# limit, then for "after": score, member.  Returns false where the board is not built, {version}
# where it is the known one, else {version, size, start, first rank, members run together,
# scores with commas, names as JSON with commas, own score, own rank}: few long strings, because
# the client's time goes by the number of parts.
_READ = valkey.Script("""
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'v')
if not meta[1] then return false end
local version = meta[1] .. '.' .. meta[2] .. '.' .. (redis.call('HGET', KEYS[3], 'v') or '0')
if version == ARGV[1] then return {version} end
local pack = 2147483648
local function rank_of(score)
  local above = (math.floor(score / pack) + 1) * pack
  return 1 + redis.call('ZCOUNT', KEYS[1], string.format('%.0f', above), '+inf')
end
local size = redis.call('ZCARD', KEYS[1])
local own, own_index, own_rank = false, false, false
if ARGV[2] ~= '' then
  own = redis.call('ZSCORE', KEYS[1], ARGV[2])
  if own then
    own_index = redis.call('ZREVRANK', KEYS[1], ARGV[2])
    own_rank = rank_of(tonumber(own))
  end
end
local limit, start = tonumber(ARGV[4]), 0
if ARGV[3] == 'around' then
  if own_index then start = math.max(0, own_index - math.floor((limit - 1) / 2)) end
elseif ARGV[3] == 'after' then
  if redis.call('ZSCORE', KEYS[1], ARGV[6]) == ARGV[5] then
    start = redis.call('ZREVRANK', KEYS[1], ARGV[6]) + 1
  else
    start = redis.call('ZCOUNT', KEYS[1], ARGV[5], '+inf')
  end
end
local rows = redis.call('ZREVRANGE', KEYS[1], start, start + limit - 1, 'WITHSCORES')
local ids, scores, names, first = {}, {}, {}, 0
for i = 1, #rows, 2 do
  ids[#ids + 1] = rows[i]
  scores[#scores + 1] = rows[i + 1]
end
if #ids > 0 then
  names = redis.call('HMGET', KEYS[3], unpack(ids))
  for i = 1, #names do names[i] = names[i] or 'null' end
  first = rank_of(tonumber(rows[2]))
end
return {
  version, size, start, first, table.concat(ids), table.concat(scores, ','),
  table.concat(names, ','), own, own_rank
}
""")

# KEYS: names.  ARGV: "new" (only where there is none yet) or "set", then (subject, name) pairs.
# The version moves only if a name did, so that boards stay unchanged where nobody's name changed.
_NAME = valkey.Script("""
local changed = 0
for i = 2, #ARGV, 2 do
  if ARGV[1] == 'new' then
    changed = changed + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
  elseif redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    changed = changed + 1
  end
end
if changed > 0 then redis.call('HINCRBY', KEYS[1], 'v', 1) end
""")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a board in Valkey.  `name` None: unknown there; "": hidden."""

    subject_id: str
    score: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Own:
    """Where one stands: packed score and competition rank."""

    score: int
    rank: int


@dataclass(frozen=True, slots=True)
class Board:
    """What one trip brought; `rows` None where the known version still holds."""

    version: str
    size: int = 0
    start: int = 0
    first_rank: int = 0
    rows: tuple[Row, ...] | None = None
    own: Own | None = None


def _keys(board: str, period: str) -> list[str]:
    name = f"b:{board}:{period}"
    return [f"{name}:{part}" for part in ("z", "meta", "new", "dirty", "build")]


def _raw(subject_id: str) -> bytes:
    return bytes.fromhex(subject_id.replace("-", ""))


def _pairs(scores: Sequence[tuple[str, int]]) -> list[bytes | int]:
    return [part for subject_id, score in scores for part in (score, _raw(subject_id))]


def push(board: str, period: str, scores: Sequence[tuple[str, int]]) -> None:
    """Write absolute packed scores of (subject, score); raises ValkeyDown."""

    for start in range(0, len(scores), 500):
        _PUSH.run(_keys(board, period), _pairs(scores[start : start + 500]))


def is_built(boards: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether each (board, period) is built; one trip; raises ValkeyDown."""

    def call(client: "redis.Redis") -> list[bool]:
        pipe = client.pipeline(transaction=False)
        for board, period in boards:
            pipe.exists(_keys(board, period)[1])
        return [bool(found) for found in pipe.execute()]

    return valkey.attempt(call)


def begin_rebuild(board: str, period: str) -> str:
    """Start a rebuild and return its token; an older rebuild of the board is replaced."""
    token = secrets.token_hex(8)
    _BEGIN.run(_keys(board, period), [token, BUILD_S])
    return token


def add_chunk(board: str, period: str, token: str, scores: Sequence[tuple[str, int]]) -> bool:
    """Add rows to the new set; False if another rebuild took over."""
    return bool(_CHUNK.run(_keys(board, period), [token, *_pairs(scores)]))


def finish_rebuild(board: str, period: str, token: str) -> bool:
    """Put the new set in place; False if another rebuild took over."""
    epoch = secrets.token_hex(4)
    return bool(_FINISH.run(_keys(board, period), [token, epoch]))


def store_names(names: Mapping[str, str]) -> None:
    """Names by subject, "" for those who hide, in place of older ones; raises ValkeyDown."""
    _store_names("set", names)


def add_names(names: Mapping[str, str]) -> None:
    """Names of subjects that have none there yet; raises ValkeyDown.

    For who reads names beside other things: what was read a moment ago must not show again
    somebody who hid meanwhile.
    """
    _store_names("new", names)


def _store_names(mode: str, names: Mapping[str, str]) -> None:
    pairs = [part for i, name in names.items() for part in (_raw(i), orjson.dumps(name))]
    for start in range(0, len(pairs), 1000):
        _NAME.run([NAMES], [mode, *pairs[start : start + 1000]])


def read(
    board: str,
    period: str,
    *,
    known: str = "",
    own_id: str | None,
    limit: int,
    after: tuple[int, str] | None = None,
    around: bool = False,
) -> Board | None:
    """A part of a board in one trip; None where it is not built; raises ValkeyDown."""
    live, meta = _keys(board, period)[:2]
    mode = "around" if around else "after" if after else "top"
    arguments: list[bytes | str | int] = [known, _raw(own_id) if own_id else "", mode, limit]
    if after:
        arguments += [after[0], _raw(after[1])]
    reply = _READ.run([live, meta, NAMES], arguments)
    return _board(reply) if reply else None


def _board(reply: list[Any]) -> Board:
    version = reply[0].decode()
    if len(reply) == 1:
        return Board(version)
    _version, size, start, first, ids, scores, names, own, rank = reply
    shown = tuple(
        Row(id_text(ids[16 * place : 16 * place + 16]), score, name)
        for place, (score, name) in enumerate(
            zip(orjson.loads(b"[%b]" % scores), orjson.loads(b"[%b]" % names), strict=True)
        )
    )
    mine = Own(int(own), int(rank)) if own is not None else None
    return Board(version, int(size), int(start), int(first), shown, mine)
