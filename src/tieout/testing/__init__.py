"""The public test kit: what proves a connector and a flow."""
