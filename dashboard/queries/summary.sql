-- definition: the nation's totals by side at the minute `at`. Stock = vacancies opened minus closed: the day cells before
--   `today`, and the minute cells of `today` up to `at`. Opened (flow) counts first sights, closed counts closings; both
--   of today up to `at`, and of the sixty minutes that end with `at`.
-- direction: a higher stock or flow of offers is more demand for labour, of seekers more supply.
-- source: market_counts, region MA (definitions: ONS "new adverts" and "snapshot"). `revision_*` name the state read: the
--   same pair is the same cells.
SELECT
    side,
    sumIf(opened - closed, grain = 'day' OR (start >= %(today)s AND start <= %(at)s)) AS stock,
    sumIf(opened, grain = 'minute' AND start >= %(today)s AND start <= %(at)s) AS opened_today,
    sumIf(closed, grain = 'minute' AND start >= %(today)s AND start <= %(at)s) AS closed_today,
    sumIf(openings, grain = 'minute' AND start >= %(today)s AND start <= %(at)s) AS openings_today,
    sumIf(opened, grain = 'minute' AND start > %(hour_ago)s AND start <= %(at)s) AS opened_hour,
    sumIf(closed, grain = 'minute' AND start > %(hour_ago)s AND start <= %(at)s) AS closed_hour,
    sumIf(revision, grain = 'day') AS revision_before,
    sumIf(revision, grain = 'minute' AND start >= %(today)s) AS revision_today
FROM market_counts FINAL
WHERE generation = %(generation)s AND region = 'MA'
    AND (
        (grain = 'day' AND start < %(today)s)
        OR (grain = 'minute' AND start > %(since)s AND start < %(tomorrow)s)
    )
GROUP BY side
ORDER BY side
