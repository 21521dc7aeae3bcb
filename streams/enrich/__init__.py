"""What Marsad reads out of a posting. Empty on purpose: `match` reads through `text`, `enricher` through `match`."""
