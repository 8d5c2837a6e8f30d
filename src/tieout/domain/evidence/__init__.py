"""The evidence pack: what proves an invoice, in one file that anybody can check without the hub."""
