"""SOQL: read, bound to the org's schema, and answered from its rows."""
