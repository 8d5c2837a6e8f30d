"""What the collections do beyond their tables."""
