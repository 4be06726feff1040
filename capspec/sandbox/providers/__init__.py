"""The imitated providers."""
