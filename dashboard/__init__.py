"""The read side: indicator queries, the HTTP API, the live push and the wall. Imports schemas and store only."""
