"""Kantata OX, the PSA: its REST API in its own words."""
