-- The absolute cells of the market: message `count` of topic `market-counts`. A cell has one writer, its block's
-- partition; the figure of a code and region is the sum over blocks. The nation is region 'MA', never a sum of regions.
-- Not partitioned: the rows of one insert are one part and become visible together, so a reader sees a whole batch or
-- none. The order serves both hot reads: all day cells of a region, and the minute cells of a region since an instant.
CREATE TABLE IF NOT EXISTS market_counts (
    generation String,
    grain      String,
    region     String,
    start      DateTime('UTC'),
    side       String,
    isco       String,
    block      String,
    opened     Int64,
    closed     Int64,
    openings   Int64,
    version    UInt64,
    revision   UInt64
) ENGINE = ReplacingMergeTree(version)
ORDER BY (generation, grain, region, start, side, isco, block);

-- since 21.8:
ALTER TABLE market_counts
    MODIFY COLUMN opened Int64 CODEC(T64, LZ4),
    MODIFY COLUMN closed Int64 CODEC(T64, LZ4),
    MODIFY COLUMN openings Int64 CODEC(T64, LZ4),
    MODIFY COLUMN revision UInt64 CODEC(T64, LZ4);
