"""Push over HTTP: whoever holds a key posts its own postings, signed, and is answered once Kafka has them."""
