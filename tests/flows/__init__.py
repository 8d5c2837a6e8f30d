"""Flows, end to end, on one sandbox."""
