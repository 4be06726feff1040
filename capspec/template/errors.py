"""What can be wrong with a template."""

from __future__ import annotations


class TemplateError(ValueError):
    """A text is not a template. The message says what is wrong; `offset` (from 0) is where in `text`."""

    def __init__(self, message: str, offset: int = 0, *, text: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.text = text


class TemplateRenderError(TemplateError):
    """A Jinja expression or block cannot be evaluated with the values that it was given."""
