"""Bind sources: each module gives the values of variables from one kind of place."""
