"""JSON for machines: webhooks in, REST out."""
