"""Logs in, parameters out."""
