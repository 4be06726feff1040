"""What somebody knows of an API to a first capability file for it."""
