"""Texts for people: marked where they are written, translated where they are rendered.

English is the source language; a catalogue per language maps the English template to its
translation.  Parameters are named, so that a translation may put them in another order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"
_LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True, slots=True)
class Text:
    """A translatable text: an English template and its named parameters."""

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """The text in `language`; English where the catalogue has no translation."""
        template = catalogue(language).get(self.template, self.template)
        return template.format_map({k: _shown(v, language) for k, v in self.params.items()})

    def __str__(self) -> str:
        return self.in_language("en")


def _(template: str, **params: Any) -> Text:
    """Mark `template` for translation and bind its parameters."""
    return Text(template, params)


@cache
def catalogue(language: str) -> dict[str, str]:
    """All translations into `language`; empty for the source language."""
    merged: dict[str, str] = {}
    for path in sorted((_LOCALES / language).glob("*.json")):
        merged.update(json.loads(path.read_text(encoding="utf-8")))
    return merged


def negotiate(accept_language: str | None) -> str:
    """The best of our languages for an Accept-Language header (RFC 9110, 12.5.4)."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for part in (accept_language or "")[:200].split(","):
        tag, _sep, quality = part.strip().partition(";q=")
        language = _ours(tag.strip().lower())
        weight = _weight(quality)
        if language and weight > best_quality:
            best, best_quality = language, weight
    return best


def _ours(tag: str) -> str | None:
    if tag.startswith("zh"):
        return "zh-CN"
    return "en" if tag.startswith("en") else None


def _weight(quality: str) -> float:
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0


def _shown(value: Any, language: str) -> Any:
    """A parameter as it is read: a text is translated, names by language are chosen from."""
    if isinstance(value, Text):
        return value.in_language(language)
    return value.get(language, "") if isinstance(value, Mapping) else value
