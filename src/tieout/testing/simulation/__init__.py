"""The engine's decisions in virtual time: thousands of small worlds full of trouble in seconds, each told by its seed."""
