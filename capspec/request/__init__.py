"""An operation and its arguments to one request: structurally, so that a value cannot leave its place."""

from capspec.request.fetching import fetch_files
from capspec.request.request import build

__all__ = ["build", "fetch_files"]
