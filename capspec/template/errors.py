"""What can be wrong with a template."""

from __future__ import annotations

import re

_WHERE = re.compile(r",? at offset \d+| of the text at .+$")


class TemplateError(ValueError):
    """A text is not a template. The message says what and where; `offset` (from 0) is where in `text`.

    `hint` says how to mend it, "" when that is not known.
    """

    def __init__(self, message: str, offset: int = 0, *, text: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.text = text
        self.hint = hint

    @property
    def reason(self) -> str:
        """The message without where, for those who show the place itself."""
        return _WHERE.sub("", str(self))


class TemplateRenderError(TemplateError):
    """A Jinja expression or block cannot be evaluated with the values that it was given."""
