"""What a process is told from outside, read once and frozen."""
