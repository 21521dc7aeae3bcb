"""Hosts shared among processes: whose a host is, what of its sources is known, and what is written of them, fenced."""
