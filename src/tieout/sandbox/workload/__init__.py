"""A firm of any size and what it books, made from a seed: the same seed gives the same bytes."""
