"""Composition: settings, local Kafka, topics, supervision, command line. The one room that imports the others."""
