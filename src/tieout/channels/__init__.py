"""Ways to tell people and programs: one file per kind, in that kind's own protocol; one attempt per call, no memory."""
