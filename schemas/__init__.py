"""Contracts of Marsad: topics, messages, tables, reference data. No I/O but reading its own files; imports nobody."""
