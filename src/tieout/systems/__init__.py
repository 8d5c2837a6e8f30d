"""A connection in its role: above here everything is canonical."""
