"""Tryton, the ERP: its JSON-RPC API in its own words."""
