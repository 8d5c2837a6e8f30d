"""What the business means: pure decisions without clock, I/O or logging."""
