-- The canonical vacancies: message `vacancy` of topic `vacancies`, each row the whole state at a version.
-- A vacancy that vanished (merged, split, moved, recoded) has live = 0 and names its successor; one that is not counted
-- (work abroad) has counted = 0. `close_at` may lie ahead: it is a fact that readers apply as the clock passes it.
CREATE TABLE IF NOT EXISTS vacancies (
    generation      String,
    id              String,
    version         UInt64,
    event           String,
    live            UInt8,
    counted         UInt8,
    successor       String,
    block           String,
    side            String,
    opened_at       DateTime('UTC'),
    close_at        DateTime('UTC'),
    close_reason    String,
    event_time      DateTime('UTC'),
    ingest_time     DateTime('UTC'),
    isco            String,
    isco_confidence Float64,
    regions         Array(String),
    scope           String,
    openings        Nullable(Int64),
    title           String,
    company         String,
    contract        String,
    salary_min      Nullable(Int64),
    salary_max      Nullable(Int64),
    sector_isic     String,
    ad_sources      Array(String),
    ad_ids          Array(String),
    ad_urls         Array(String),
    ad_count        UInt64,
    merged_because  Array(String),
    source          String,
    taxonomy        String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (generation, id);

-- since 21.8:
ALTER TABLE vacancies
    MODIFY COLUMN event LowCardinality(String),
    MODIFY COLUMN side LowCardinality(String),
    MODIFY COLUMN close_reason LowCardinality(String),
    MODIFY COLUMN isco LowCardinality(String),
    MODIFY COLUMN scope LowCardinality(String),
    MODIFY COLUMN contract LowCardinality(String),
    MODIFY COLUMN source LowCardinality(String),
    MODIFY COLUMN taxonomy LowCardinality(String);

-- since 21.8:
ALTER TABLE vacancies
    MODIFY COLUMN opened_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    MODIFY COLUMN close_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    MODIFY COLUMN title String CODEC(ZSTD(3));
