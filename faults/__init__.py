"""Where Tieout is broken on purpose: each bench injects faults into the real thing and counts what was lost or doubled."""
