"""A Salesforce org on loopback that independent clients cannot tell from a small real one."""
