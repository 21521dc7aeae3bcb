"""A source from its address alone: what kind it is, where its fields stand, and the file that says so."""
