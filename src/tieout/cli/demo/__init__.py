"""The demo: a database, the sandbox's systems, the hub and its console in one go, with a story that plays through them."""
