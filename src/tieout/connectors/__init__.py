"""One folder per system, each in that system's own words."""
