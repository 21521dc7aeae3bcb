"""JSON APIs, page by page, by a declarative mapping."""
