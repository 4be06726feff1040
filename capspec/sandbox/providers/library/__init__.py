"""The public library of the tutorial, which was made up: a catalogue, loans in XML, and scans as jobs."""

from __future__ import annotations

from capspec.sandbox.providers.library.catalogue import Catalogue
from capspec.sandbox.providers.library.loans import Loans
from capspec.sandbox.providers.library.scans import Scans

__all__ = ["Catalogue", "Loans", "Scans"]
