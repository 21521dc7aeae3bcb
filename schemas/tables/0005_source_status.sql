-- How each source is doing: message `source-status`. Sources belong to a raw namespace ('' is the live one), which
-- several generations may share. `version` is `at` in microseconds.
CREATE TABLE IF NOT EXISTS source_status (
    raw          String,
    source       String,
    version      UInt64,
    at           DateTime('UTC'),
    state        String,
    kind         String,
    seen         Int64,
    expected     Nullable(Float64),
    published    Int64,
    rejected     Int64,
    last_success Nullable(DateTime('UTC')),
    message      String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (raw, source);
