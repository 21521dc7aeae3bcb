"""A simulated labour market: four portals over HTTP on loopback, six weeks of history, and the truth behind them.

Its vocabulary is its own: it imports nothing of the streams, so that what they recognise was never told to them.
"""
