"""The canonical, versioned documents that every flow speaks."""
