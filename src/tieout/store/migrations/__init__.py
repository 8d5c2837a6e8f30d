"""The schema, one version after the other."""
