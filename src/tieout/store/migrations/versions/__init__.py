"""Each version is a SQL file and the module that runs it."""
