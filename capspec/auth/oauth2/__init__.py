"""OAuth 2.0 (RFC 6749) without a person: from settings to requests that carry an access token."""

from capspec.auth.oauth2.reading import SCHEMA, compile_auth

__all__ = ["SCHEMA", "compile_auth"]
