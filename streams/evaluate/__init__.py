"""How right the production code is on rows that people labelled: `marsad evaluate`. Runs `streams/offline.py`."""
