"""The command line: every command with --json, an example and an exit code that scripts can use."""
