"""Boards in Valkey: sorted sets of packed scores, each call one script and so one trip.

A board is `b:BOARD:PERIOD:SCOPE:z`.  Its meta hash says under which epoch it was built and how
often it changed since; without a meta the board is not built and is not written, so that a flushed
Valkey never passes a part for the whole.  While a rebuild runs, writers write the live set and
the new one and note what they touched, and the rebuild leaves what was touched alone.

Boards within a scope, and those of the past, are built when somebody asks and forgotten when
nobody did for a while; the scopes of a board that are built are listed in `b:BOARD:PERIOD:scopes`.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from api.core import valkey
from api.core.db import id_text
from api.points.rules.boards import WHOLE, Place

PEOPLE_NAMES = "b:names"
WANTED = "b:wanted"
RUN = "b:run"
MAX_WANTED = 1000
BUILD_S = 900
KEPT_S = 900

# KEYS: live, meta, new, dirty, build.  ARGV: (score, member) pairs; a score of "" removes.
_PUSH = valkey.Script("""
local live = redis.call('EXISTS', KEYS[2]) == 1
local building = redis.call('EXISTS', KEYS[5]) == 1
local function write(key, score, member)
  if score == '' then redis.call('ZREM', key, member)
  else redis.call('ZADD', key, score, member) end
end
for i = 1, #ARGV, 2 do
  if live then write(KEYS[1], ARGV[i], ARGV[i + 1]) end
  if building then
    write(KEYS[3], ARGV[i], ARGV[i + 1])
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

# KEYS as above.  ARGV: token, epoch, seconds to keep it from the last use on (0: use doesn't
# matter), seconds to keep it at first (0: for good).  Returns 0 if the rebuild was replaced.
_FINISH = valkey.Script("""
if redis.call('GET', KEYS[5]) ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[1])
else redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[2], 'epoch', ARGV[2], 'v', 0, 'kept', ARGV[3])
for i = 1, 2 do
  if ARGV[4] == '0' then redis.call('PERSIST', KEYS[i])
  else redis.call('EXPIRE', KEYS[i], ARGV[4]) end
end
redis.call('DEL', KEYS[4], KEYS[5])
return 1
""")

# KEYS: live, meta, names.  ARGV: known version, own member, mode ("top", "after" or "around"),
# limit, version of the rows that the caller holds, then for "after": score, member, and the score
# of one point as the last of all.  Returns false where the board is not built, {version} where it
# is the known one, else {version, size, start, first rank, members run together, scores with
# commas, names as JSON with commas, own score, own rank}: few long strings, because the client's
# time goes by the number of parts.  What the caller holds is left out.
_READ = valkey.Script("""
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'v', 'kept')
if not meta[1] then return false end
if meta[3] ~= '0' then
  redis.call('EXPIRE', KEYS[1], meta[3])
  redis.call('EXPIRE', KEYS[2], meta[3])
end
local version = meta[1] .. '.' .. meta[2] .. '.' .. (redis.call('HGET', KEYS[3], 'v') or '0')
if version == ARGV[1] then return {version} end
local pack = tonumber(ARGV[#ARGV])
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
if version == ARGV[5] then return {version, 0, 0, 0, '', '', '', own, own_rank} end
local limit, start = tonumber(ARGV[4]), 0
if ARGV[3] == 'around' then
  if own_index then start = math.max(0, own_index - math.floor((limit - 1) / 2)) end
elseif ARGV[3] == 'after' then
  if redis.call('ZSCORE', KEYS[1], ARGV[7]) == ARGV[6] then
    start = redis.call('ZREVRANK', KEYS[1], ARGV[7]) + 1
  else
    start = redis.call('ZCOUNT', KEYS[1], ARGV[6], '+inf')
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
    """A row of a board in Valkey.  `label` None: unknown there; "": hidden; a branch has its name
    and whether it is small."""

    subject_id: str
    score: int
    label: Any


@dataclass(frozen=True, slots=True)
class Own:
    """Where one stands: packed score and competition rank."""

    score: int
    rank: int


@dataclass(frozen=True, slots=True)
class Board:
    """What one trip brought; `rows` None where the known version, or the one held, still is it."""

    version: str
    size: int = 0
    start: int = 0
    first_rank: int = 0
    rows: tuple[Row, ...] | None = None
    own: Own | None = None


def _name(place: Place) -> str:
    return ":".join(part for part in ("b", place.board, place.period, place.scope) if part)


def _keys(place: Place) -> list[str]:
    name = _name(place)
    return [f"{name}:{part}" for part in ("z", "meta", "new", "dirty", "build")]


def _scopes_key(place: Place) -> str:
    return f"b:{place.board}:{place.period}:scopes"


def _names_key(place: Place) -> str:
    """People are called the same everywhere; how small a branch is depends on the period."""
    return PEOPLE_NAMES if place.of_people else f"b:{place.board}:{place.period}:names"


def _raw(subject_id: str) -> bytes:
    return bytes.fromhex(subject_id.replace("-", ""))


def _pairs(scores: Mapping[str, int | None]) -> list[bytes | int | str]:
    pairs: list[bytes | int | str] = []
    for subject_id, score in scores.items():
        pairs += ["" if score is None else score, _raw(subject_id)]
    return pairs


def push(place: Place, scores: Mapping[str, int | None]) -> None:
    """Write absolute packed scores by subject, None to remove one; raises ValkeyDown."""
    pairs = _pairs(scores)
    for start in range(0, len(pairs), 1000):
        _PUSH.run(_keys(place), pairs[start : start + 1000])


def written(places: Sequence[Place]) -> list[tuple[bool, list[str]]]:
    """For each whole board whether it, and which of its scopes, are built or being built; two
    trips.  Raises ValkeyDown."""
    known = _ask(places, lambda pipe, place: pipe.smembers(_scopes_key(place)))
    scopes = [sorted(name.decode() for name in names) for names in known]
    every = [
        Place(place.board, place.period, scope)
        for place, names in zip(places, scopes, strict=True)
        for scope in (WHOLE, *names)
    ]
    there = dict(zip(every, _ask(every, _exists), strict=True))
    gone = [place for place, count in there.items() if place.scope and not count]
    if gone:
        _ask(gone, lambda pipe, place: pipe.srem(_scopes_key(place), place.scope))
    return [
        (bool(there[place]), [n for n in names if there[Place(place.board, place.period, n)]])
        for place, names in zip(places, scopes, strict=True)
    ]


def _exists(pipe: Any, place: Place) -> None:
    _live, meta, _new, _dirty, build = _keys(place)
    pipe.exists(meta, build)


def _ask(places: Sequence[Place], ask: Any) -> list[Any]:
    """One command for each place, in one trip; raises ValkeyDown."""

    def call(client: "redis.Redis") -> list[Any]:
        pipe = client.pipeline(transaction=False)
        for place in places:
            ask(pipe, place)
        return pipe.execute()

    return valkey.attempt(call) if places else []


def is_built(places: Sequence[Place]) -> list[bool]:
    """Whether each board is built; one trip; raises ValkeyDown."""
    return [bool(n) for n in _ask(places, lambda pipe, place: pipe.exists(_keys(place)[1]))]


def forget_if_restarted() -> bool:
    """Forget all boards after a start of Valkey, which may have come up with an old copy of them;
    whether that was so.  Raises ValkeyDown."""

    def call(client: "redis.Redis") -> bool:
        run = client.info("server")["run_id"].encode()
        if client.get(RUN) == run:
            return False
        for key in client.scan_iter(match="b:*:meta", count=1000):
            client.delete(key)
        client.set(RUN, run)
        return True

    return valkey.attempt(call)


def want(place: Place) -> None:
    """Ask for a board to be built; raises ValkeyDown."""
    name = orjson.dumps([place.board, place.period, place.scope])

    def call(client: "redis.Redis") -> None:
        if client.scard(WANTED) < MAX_WANTED:
            client.sadd(WANTED, name)

    valkey.attempt(call)


def wanted() -> list[Place]:
    """The boards that were asked for; raises ValkeyDown."""
    names = valkey.attempt(lambda client: client.smembers(WANTED))
    return [Place(*orjson.loads(name)) for name in sorted(names)]


def forget_wanted(places: Sequence[Place]) -> None:
    """These are being built; raises ValkeyDown."""
    names = [orjson.dumps([place.board, place.period, place.scope]) for place in places]
    if names:
        valkey.attempt(lambda client: client.srem(WANTED, *names))


def begin_rebuild(place: Place) -> str:
    """Start a rebuild and return its token; an older rebuild of the board is replaced."""
    token = secrets.token_hex(8)
    _BEGIN.run(_keys(place), [token, BUILD_S])
    if place.scope:
        valkey.attempt(lambda client: client.sadd(_scopes_key(place), place.scope))
    return token


def add_chunk(place: Place, token: str, scores: Mapping[str, int]) -> bool:
    """Add rows to the new set; False if another rebuild took over."""
    return bool(_CHUNK.run(_keys(place), [token, *_pairs(scores)]))


def finish_rebuild(place: Place, token: str, *, needed_s: int | None) -> bool:
    """Put the new set in place; False if another rebuild took over.

    It is kept for `needed_s` seconds (0: for good), or with None as long as somebody asks for it.
    """
    kept = [KEPT_S, KEPT_S] if needed_s is None else [0, needed_s]
    return bool(_FINISH.run(_keys(place), [token, secrets.token_hex(4), *kept]))


def store_labels(place: Place, labels: Mapping[str, Any]) -> None:
    """What subjects are called, in place of older labels; raises ValkeyDown."""
    _store_labels("set", place, labels)


def add_labels(place: Place, labels: Mapping[str, Any]) -> None:
    """What subjects are called that have no label there yet; raises ValkeyDown.

    For who reads names beside other things: what was read a moment ago must not show again
    somebody who hid meanwhile.
    """
    _store_labels("new", place, labels)


def _store_labels(mode: str, place: Place, labels: Mapping[str, Any]) -> None:
    pairs = [part for i, label in labels.items() for part in (_raw(i), orjson.dumps(label))]
    for start in range(0, len(pairs), 1000):
        _NAME.run([_names_key(place)], [mode, *pairs[start : start + 1000]])


def read(
    place: Place,
    *,
    known: str = "",
    held: str = "",
    own_id: str | None,
    limit: int,
    after: tuple[int, str] | None = None,
    around: bool = False,
) -> Board | None:
    """A part of a board in one trip; None where it is not built; raises ValkeyDown.

    `known`: the version that the reader has whole; `held`: the one whose rows the caller has.
    """
    live, meta = _keys(place)[:2]
    mode = "around" if around else "after" if after else "top"
    arguments: list[bytes | str | int] = [
        known, _raw(own_id) if own_id else "", mode, limit, held,
    ]  # fmt: skip
    if after:
        arguments += [after[0], _raw(after[1])]
    reply = _READ.run([live, meta, _names_key(place)], [*arguments, place.packing.unit])
    return _board(reply, held) if reply else None


def _board(reply: list[Any], held: str) -> Board:
    version = reply[0].decode()
    if len(reply) == 1:
        return Board(version)
    _version, size, start, first, ids, scores, names, own, rank = reply
    mine = Own(int(own), int(rank)) if own is not None else None
    if version == held:
        return Board(version, own=mine)
    shown = tuple(
        Row(id_text(ids[16 * place : 16 * place + 16]), score, name)
        for place, (score, name) in enumerate(
            zip(orjson.loads(b"[%b]" % scores), orjson.loads(b"[%b]" % names), strict=True)
        )
    )
    return Board(version, int(size), int(start), int(first), shown, mine)
