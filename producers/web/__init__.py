"""HTTP, as every connector speaks it: polite, bounded, retried. Fetch does the I/O, parse is pure."""
