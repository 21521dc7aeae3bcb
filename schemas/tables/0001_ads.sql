-- Each portal's ad as it stands in a block: message `ad` of topic `postings-enriched`, without its signature.
-- `version` is the offset of the raw sighting; an ad that moved to another block stays here with live = 0.
-- Read it with FINAL and filter `live` in WHERE, never in PREWHERE (which looks before the versions are settled).
-- Text that is not known is '', a number or a time that is not known is NULL.
CREATE TABLE IF NOT EXISTS ads (
    generation      String,
    block           String,
    source          String,
    id              String,
    born            UInt64,
    version         UInt64,
    live            UInt8,
    moved_to        String,
    side            String,
    raw_partition   UInt32,
    raw_offset      UInt64,
    log_time        DateTime('UTC'),
    first_seen      DateTime('UTC'),
    last_seen       DateTime('UTC'),
    removed_at      Nullable(DateTime('UTC')),
    close_at        Nullable(DateTime('UTC')),
    close_reason    String,
    url             String,
    title           String,
    company         String,
    lang            String,
    isco            String,
    isco_confidence Float64,
    isco_best       String,
    isco_p          Array(Float64),
    isco_also       Array(String),
    regions         Array(String),
    scope           String,
    contract        String,
    isced           Nullable(Int64),
    experience_min  Nullable(Float64),
    experience_max  Nullable(Float64),
    salary_min      Nullable(Int64),
    salary_max      Nullable(Int64),
    salary_basis    String,
    openings        Nullable(Int64),
    sector_isic     String,
    skills          Array(String),
    remote          String,
    languages       Array(String),
    published_on    String,
    deadline_on     String,
    taxonomy        String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (generation, block, source, id, born);

-- since 21.8:
ALTER TABLE ads
    MODIFY COLUMN side LowCardinality(String),
    MODIFY COLUMN close_reason LowCardinality(String),
    MODIFY COLUMN lang LowCardinality(String),
    MODIFY COLUMN isco LowCardinality(String),
    MODIFY COLUMN scope LowCardinality(String),
    MODIFY COLUMN contract LowCardinality(String),
    MODIFY COLUMN taxonomy LowCardinality(String);

-- since 21.8:
ALTER TABLE ads
    MODIFY COLUMN first_seen DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    MODIFY COLUMN last_seen DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    MODIFY COLUMN url String CODEC(ZSTD(3)),
    MODIFY COLUMN title String CODEC(ZSTD(3));
