"""A Kantata OX account on loopback, with the vendor's envelope, quirks and gaps."""
