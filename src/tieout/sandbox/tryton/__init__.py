"""The real ERP of the sandbox: Tryton, downloaded from the package index and run as a program of its own."""
