"""Passwords, names and the words of a roster: pure functions."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import date, timedelta

MIN_CHARACTERS, MAX_CHARACTERS = 10, 200
# No 0 and o, 1, i and l: a slip is read off paper.  15 of 31 signs are 74 random bits.
SLIP_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
SLIP_GROUPS, SLIP_GROUP = 3, 5
SLIP_PREFIX = "hmac$"
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
COMMON_PASSWORDS = frozenset(
    {
        "1234567890", "0123456789", "0987654321", "9876543210", "1qaz2wsx3edc", "qwertyuiop",
        "password123", "password1234", "passw0rd123", "admin123456", "administrator", "a123456789",
        "woaini1314", "woaini520", "5201314520", "iloveyou123", "letmein123", "qwerty123456",
        "abc1234567", "abcd123456", "1q2w3e4r5t", "zaq12wsxcde", "changeme123", "welcome123",
    }
)  # fmt: skip
STATUS_WORDS = {
    "active": ("在岗", "在职", "在册", "正常", "active"),
    "long_leave": ("长假", "长期休假", "长期病假", "长病假", "病休", "产假", "long leave"),
    "seconded": ("借调", "外派", "挂职", "借出", "secondment", "seconded"),
    "retired": ("退休", "内退", "离退休", "retired"),
    "left": ("离职", "离司", "已离职", "辞职", "调出", "left"),
}
_STATUS_OF = {word: status for status, words in STATUS_WORDS.items() for word in words}
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T][\d:.]+)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SHEET_DAY_0 = date(1899, 12, 30)
FIRST_DAY, LAST_DAY = date(1940, 1, 1), date(2100, 1, 1)


def new_slip() -> str:
    """A random one-time password as it is printed: "k7m2p-...-..."."""
    signs = [
        "".join(secrets.choice(SLIP_SIGNS) for _sign in range(SLIP_GROUP))
        for _group in range(SLIP_GROUPS)
    ]
    return "-".join(signs)


def slip_hash(key: str, member_id: str, password: str) -> str:
    """The keyed hash of a slip's password.

    A plain HMAC is enough: the password has 74 random bits, so that nobody can try them all, and
    slips for a branch of 300 are made at once.
    """
    signs = "".join(password.lower().replace("-", "").split())
    message = f"one-time\0{member_id}\0{signs}".encode()
    return SLIP_PREFIX + hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def account_key(key: str, *parts: str) -> str:
    """A name for an account's limits that tells nobody whose it is."""
    message = "\0".join(("account", *parts)).encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()[:32]


def is_common(password: str) -> bool:
    """Whether a password is among the first that anybody would try."""
    folded = password.casefold()
    return folded in COMMON_PASSWORDS or len(set(folded)) < 4 or folded.isspace()


def repeats(password: str, *known: str | None) -> bool:
    """Whether a password is nothing but what colleagues know: number, company, name."""
    plain = password.casefold()
    words = [word.casefold() for word in known if word]
    return plain in words or plain in ("".join(words), "".join(reversed(words)))


def starts_like_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula."""
    return text.startswith(FORMULA_SIGNS)


def has_control(text: str) -> bool:
    """Whether the text holds a control character or a lone surrogate."""
    if text.isprintable():
        return False
    return any(unicodedata.category(c) in ("Cc", "Cs") for c in text)


def roster_number(cell: str) -> str:
    """An employee number as text: leading zeros are kept, a spreadsheet's 17.0 is 17."""
    whole, point, fraction = cell.partition(".")
    if point and whole.isdigit() and fraction and set(fraction) == {"0"}:
        return whole
    return cell


def roster_status(cell: str) -> str | None:
    """The status that a roster's word means, "active" for none, None for an unknown word."""
    word = " ".join(cell.casefold().replace("_", " ").split())
    return _STATUS_OF.get(word) if word else "active"


def roster_date(cell: str) -> date | None:
    """The day a roster's cell means; None if it is none between 1940 and 2100."""
    found = _DATE.fullmatch(cell) or _COMPACT_DATE.fullmatch(cell)
    try:
        if found:
            day = date(*(int(part) for part in found.groups()))
        elif cell.isascii() and cell.isdigit() and len(cell) == 5:
            day = _SHEET_DAY_0 + timedelta(days=int(cell))
        else:
            return None
    except ValueError:
        return None
    return day if FIRST_DAY <= day < LAST_DAY else None
