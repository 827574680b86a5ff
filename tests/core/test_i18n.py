"""Every text for people is there in Chinese, with the same parameters."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.core import i18n
from api.core.i18n import Text, _

API = Path(__file__).parents[2] / "api"
NAMED = re.compile(r"{(\w+)}")


def marked() -> Iterator[tuple[str, str]]:
    """(file, template) of every text that the code marks."""
    for path in sorted(API.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(path.relative_to(API)), str(first.value)


def test_every_marked_text_has_its_translation() -> None:
    known = i18n.catalogue("zh-CN")
    missing = sorted({(file, text) for file, text in marked() if text not in known})
    assert missing == []


def test_translations_have_the_parameters_of_their_source() -> None:
    for source, translation in i18n.catalogue("zh-CN").items():
        assert set(NAMED.findall(source)) == set(NAMED.findall(translation)), source


def test_no_translation_is_left_over_or_stands_twice() -> None:
    used = {text for _file, text in marked()}
    seen: set[str] = set()
    for path in sorted((API / "core" / "locales" / "zh-CN").glob("*.json")):
        for source in json.loads(path.read_text(encoding="utf-8")):
            assert source not in seen, f"{source!r} stands twice"
            seen.add(source)
            # A single word names a state, which the code marks as it comes.
            assert source in used or source.isalpha(), source


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, en;q=0.5, zh;q=0.1", "en"),
        ("zh-TW", "zh-CN"),
        ("de", "zh-CN"),
        ("en;q=x", "zh-CN"),
        ("," * 5000, "zh-CN"),
    ],
)
def test_the_best_known_language_is_chosen(header: str | None, language: str) -> None:
    assert i18n.negotiate(header) == language


def test_a_parameter_may_be_a_text_or_names_by_language() -> None:
    text = _("The contest is {state} now.", state=_("draft"))
    assert text.in_language("zh-CN") == "竞赛目前的状态是：草稿。"
    named = Text("You got the badge {badge}.", {"badge": {"en": "First", "zh-CN": "第一"}})
    assert named.in_language("en") == "You got the badge First."
