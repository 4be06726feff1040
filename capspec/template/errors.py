"""What can be wrong with a template."""

from __future__ import annotations


class TemplateError(ValueError):
    """A text is not a template. The message says what is wrong and at which offset (from 0)."""


class TemplateRenderError(TemplateError):
    """A Jinja expression or block cannot be evaluated with the values that it was given."""
