"""The streams: decode, deduplicate, enrich, match, aggregate, detect, sink. Verbs in data order, on one engine room."""
