"""The firm folder on disk: what a firm writes down, reviews in Git, and applies."""
