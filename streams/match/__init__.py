"""Match: which ads are one vacancy."""
