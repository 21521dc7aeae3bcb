"""File drops: CSV and NDJSON, local or over HTTP; live ones, and archives in the order of their own time."""
