-- Spikes as they stand: message `alert` of topic `market-alerts`; `event` is the state of its latest version.
CREATE TABLE IF NOT EXISTS market_alerts (
    generation String,
    id         String,
    version    UInt64,
    event      String,
    side       String,
    isco       String,
    region     String,
    window     String,
    start      DateTime('UTC'),
    count      Int64,
    expected   Float64,
    limit      Float64,
    event_time DateTime('UTC'),
    flagged    Array(String)
) ENGINE = ReplacingMergeTree(version)
ORDER BY (generation, id);
