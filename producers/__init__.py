"""The write side: sources become postings in Kafka. A folder a connector kind; fetch does I/O, parse is pure."""
