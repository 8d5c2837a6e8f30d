"""HTML for people: a work list, not a wall of charts."""
