"""The providers' documented base URIs to the sandbox's own, and demo credentials that work there."""

from __future__ import annotations

from urllib.parse import urlsplit

from capspec.sandbox.world import other_name
