"""Cursors of boards: the last row of a page, sealed.

A plain cursor would name its last row, who may be somebody who hides.  The seal (AES-SIV, RFC 5297)
is the same for the same row, and holds for one board, period and scope only.
"""

import base64
import binascii
import hashlib
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask import current_app

from api.core import pages
from api.core.errors import Invalid, invalid
from api.core.i18n import _
from api.points.models import BoardTotal
from api.points.rules.boards import Place

_total = BoardTotal.__table__.c
# Columns of the same types as the parts of a Position.
_SHAPE = [_total.sum_points, _total.subject_id, _total.heads, _total.points]
_MOST = 2**31


class Position(NamedTuple):
    """The last row of a page: packed score, subject, its rank, its position."""

    score: int
    subject_id: str
    rank: int
    position: int


def seal(position: Position, place: Place) -> str:
    """A cursor for the page behind `position`."""
    plain = pages.encode_cursor(position).encode()
    sealed = _cipher().encrypt(plain, _bound_to(place))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(cursor: str, place: Place) -> Position:
    """The position of a cursor of this board; raises Invalid for any other."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        plain = _cipher().decrypt(sealed, _bound_to(place))
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise _foreign() from error
    position = Position(*pages.decode_cursor(plain.decode(), _SHAPE))
    if not (0 < position.rank <= _MOST and 0 < position.position <= _MOST):
        raise _foreign()
    return position


def _bound_to(place: Place) -> list[bytes]:
    return [place.board.encode(), place.period.encode(), place.scope.encode()]


def _foreign() -> Invalid:
    wrong = _("This cursor isn't one of ours. Start again without a cursor.")
    return invalid("cursor", wrong, "bad_cursor")


def _cipher() -> AESSIV:
    return _cipher_of(current_app.extensions["leitai.settings"].secret_key)


@lru_cache(maxsize=4)
def _cipher_of(secret: str) -> AESSIV:
    return AESSIV(hashlib.sha512(b"leitai board cursor\0" + secret.encode()).digest())
