"""`{{ names }}` in text, in JSON trees and in JSON text: compiled once; values are never read again."""

from capspec.template.errors import TemplateError, TemplateRenderError
from capspec.template.json_text import JsonText, compile_json_text
from capspec.template.text import Template, compile_template
from capspec.template.tree import Tree, compile_tree

__all__ = [
    "JsonText",
    "Template",
    "TemplateError",
    "TemplateRenderError",
    "Tree",
    "compile_json_text",
    "compile_template",
    "compile_tree",
]
