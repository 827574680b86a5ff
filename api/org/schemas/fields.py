"""Fields of this domain."""

from typing import Any

import marshmallow as ma

from api.core.i18n import _
from api.core.schemas import String
from api.org.rules import starts_like_formula


class Name(String):
    """A name: of a person, a unit, a branch.  Nothing that a spreadsheet takes for a formula."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if starts_like_formula(text):
            wrong = _("A name can't begin with {sign}: a spreadsheet would take it for a formula.",
                      sign=text[0])  # fmt: skip
            raise ma.ValidationError(wrong)  # type: ignore[arg-type]
        return text
