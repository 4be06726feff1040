"""neuroflash: pictures made while the caller waits, kept in a workspace, opened with an OAuth2 token."""

from __future__ import annotations

from capspec.sandbox.providers.neuroflash.api import Neuroflash
from capspec.sandbox.providers.neuroflash.identity import NeuroflashId

__all__ = ["Neuroflash", "NeuroflashId"]
