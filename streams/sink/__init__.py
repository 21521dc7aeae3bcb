"""The sink: what the stages publish, on its way into the store."""
