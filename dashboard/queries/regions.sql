-- definition: by region and side: stock at the minute `at`, vacancies opened and closed today up to `at`, and opened
--   since the day `since`. A vacancy that names several regions counts once in each, and once in the nation (MA).
-- direction: tension = new offers / new seekers (above 1: more offers than seekers), formed by the reader and shown only
--   with 30 on each side; mismatch = half the sum of differences of regional shares (0: alike, 1: apart).
-- source: market_counts (definitions: DARES flow ratio and mismatch; Data Emploi suppression rule).
SELECT
    region,
    side,
    sumIf(opened - closed, grain = 'day' OR start <= %(at)s) AS stock,
    sumIf(opened, grain = 'minute' AND start <= %(at)s) AS opened_today,
    sumIf(closed, grain = 'minute' AND start <= %(at)s) AS closed_today,
    sumIf(opened, (grain = 'day' AND start >= %(since)s) OR (grain = 'minute' AND start <= %(at)s)) AS opened_since
FROM market_counts FINAL
WHERE generation = %(generation)s
    AND ((grain = 'day' AND start < %(today)s) OR (grain = 'minute' AND start >= %(today)s AND start <= %(at)s))
GROUP BY region, side
ORDER BY region, side
