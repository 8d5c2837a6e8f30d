"""Salesforce, the CRM: its REST API in its own words."""
