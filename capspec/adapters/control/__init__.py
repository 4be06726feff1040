"""The control adapter: how a capability fares, and what may be done about it."""
