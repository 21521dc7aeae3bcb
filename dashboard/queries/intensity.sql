-- definition: ads and vacancies open at the minute `at`, by side; their ratio is the posting intensity.
-- direction: higher is more copies of each vacancy across portals: insistence, not demand.
-- source: vacancies, live and counted (definitions: Lightcast posting intensity). At minute resolution, as the cells.
SELECT side, count() AS vacancies, sum(ad_count) AS ads
FROM vacancies FINAL
WHERE generation = %(generation)s AND live = 1 AND counted = 1
    AND toUInt32(opened_at) < %(minute_end)s AND toUInt32(close_at) >= %(minute_end)s
GROUP BY side
ORDER BY side
