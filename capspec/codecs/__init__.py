"""Codecs: values to bytes and back, one format a module."""
