"""Limits between the hub and its partners: how fast it may call, whose turn it is, when, and when it will be done."""
