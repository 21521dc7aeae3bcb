-- Which topics the rows of a generation were written from: the id that Kafka gave its market-counts. No topic fills
-- it: the process that owns the store asks it before the sink starts (deploy/belonging.py).
CREATE TABLE IF NOT EXISTS generations (
    generation String,
    topic_id   String,
    version    UInt64
) ENGINE = ReplacingMergeTree(version)
ORDER BY generation;
