"""Charging: what is to be billed of everything that happened, by the contract, to the cent; computed to verify, never to post."""
