"""What of a finished attempt may be seen, and when."""

MOMENTS = ("during", "after_submit", "after_close", "after_release")
FIELDS = ("own_answer", "score", "correct", "mark", "key", "explanation")

_NOTHING = frozenset[str]()
_OWN = frozenset({"own_answer"})
_TOTAL = frozenset({"own_answer", "score"})
_ALL = frozenset(FIELDS)
_SCORE = frozenset({"score"})

# Preset → what is shown from each moment on; while the attempt runs only the own answers are.
# "score" is the sum alone: marks by question would tell which answers were right.
PRESETS: dict[str, dict[str, frozenset[str]]] = {
    "nothing": {"after_submit": _NOTHING, "after_close": _NOTHING, "after_release": _NOTHING},
    "score_only": {"after_submit": _SCORE, "after_close": _SCORE, "after_release": _SCORE},
    "after_close": {"after_submit": _TOTAL, "after_close": _ALL, "after_release": _ALL},
    "immediate": {"after_submit": _ALL, "after_close": _ALL, "after_release": _ALL},
}


def visible_fields(preset: str, moment: str) -> frozenset[str]:
    """What `preset` shows of an attempt at `moment`."""
    return _OWN if moment == "during" else PRESETS[preset][moment]
