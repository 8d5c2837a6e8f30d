"""Durable runs, effects, intake: the only room that knows DBOS."""
