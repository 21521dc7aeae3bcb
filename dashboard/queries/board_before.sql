-- definition: what the wall stands on: by side and region, and for the nation by code as published, the stock at the
--   beginning of `today`, the vacancies opened since the day `since`, and the revision of those day cells.
-- direction: as in summary.sql.
-- source: market_counts, day cells before `today`.
SELECT
    side,
    region,
    if(region = 'MA', isco, '') AS code,
    sum(opened - closed) AS stock,
    sumIf(opened, start >= %(since)s) AS opened_since,
    sum(revision) AS revisions
FROM market_counts FINAL
WHERE generation = %(generation)s AND grain = 'day' AND start < %(today)s
GROUP BY side, region, code
ORDER BY side, region, code
