"""One file per business flow: read these first."""
