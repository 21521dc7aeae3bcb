-- What could not be used: message `rejected` of topic `postings-rejected`, which keeps the bytes; `sample` is their
-- first 1,000, with what is not UTF-8 replaced. `generation` is '' where a producer rejected it, before any saw it.
-- The key is where the record stood (topic, partition, offset), or its content where it never stood anywhere.
CREATE TABLE IF NOT EXISTS rejects (
    raw        String,
    generation String,
    stage      String,
    source     String,
    topic      String,
    partition  Int64,
    offset     Int64,
    sha256     String,
    version    UInt64,
    at         DateTime('UTC'),
    reason     String,
    detail     String,
    length     UInt64,
    truncated  UInt8,
    sample     String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (raw, generation, stage, source, topic, partition, offset, sha256);

-- The bytes fade, the count stays.
-- since 21.8:
ALTER TABLE rejects
    MODIFY COLUMN reason LowCardinality(String),
    MODIFY COLUMN sample String CODEC(ZSTD(3)) TTL at + INTERVAL 90 DAY;
