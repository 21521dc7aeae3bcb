"""Sitemaps whose pages carry schema.org JobPosting as JSON-LD."""
