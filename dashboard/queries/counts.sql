-- definition: vacancies opened and closed, and stated openings of those opened, in windows of `step` seconds; the sum of
--   the finer cells, so that a window is never a rounding of another. A window that lies ahead holds closings to come.
-- direction: opened is emerging demand (offers) or supply (seekers); closed is what left the market.
-- source: market_counts, one region (MA is the nation: not the sum of regions), codes that begin with `isco`, or those
--   not stated when `unstated`.
SELECT
    intDiv(toInt64(toUInt32(start)) - %(anchor)s, %(step)s) * %(step)s + %(anchor)s AS window_start,
    side,
    sum(opened) AS all_opened,
    sum(closed) AS all_closed,
    sum(openings) AS all_openings,
    sum(revision) AS all_revisions
FROM market_counts FINAL
WHERE generation = %(generation)s AND grain = %(grain)s AND region = %(region)s
    AND start >= %(from)s AND start < %(to)s
    AND (side = %(side)s OR %(side)s = '')
    AND ((%(unstated)s = 0 AND startsWith(isco, %(isco)s)) OR (%(unstated)s = 1 AND isco = ''))
GROUP BY window_start, side
ORDER BY window_start, side
