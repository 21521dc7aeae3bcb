-- definition: stock at the minute `at`, and vacancies opened since the day `since` up to `at`, by code as published
--   (ISCO-08, 1 to 4 digits, '' when not stated), for one side and region.
-- direction: more is more demand (offers) or supply (seekers) for the occupation.
-- source: market_counts; stock and flow as in summary.sql. Codes are rolled up by the reader, never guessed down.
SELECT
    isco,
    sumIf(opened - closed, grain = 'day' OR start <= %(at)s) AS stock,
    sumIf(opened, (grain = 'day' AND start >= %(since)s) OR (grain = 'minute' AND start <= %(at)s)) AS opened_since
FROM market_counts FINAL
WHERE generation = %(generation)s AND region = %(region)s AND side = %(side)s
    AND ((grain = 'day' AND start < %(today)s) OR (grain = 'minute' AND start >= %(today)s AND start <= %(at)s))
GROUP BY isco
ORDER BY isco
