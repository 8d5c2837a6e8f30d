"""HTML for people: the work list, the evidence, the health of each system."""
