-- definition: the minute cells on which the wall moves: of today, those ahead included, and of the hour before it.
-- direction: as in summary.sql.
-- source: market_counts, minute cells; each absolute, so that a later record of the same cell replaces it.
SELECT side, isco, region, block, toUInt32(start) AS start_epoch, opened, closed, version, revision
FROM market_counts FINAL
WHERE generation = %(generation)s AND grain = 'minute' AND start > %(since)s AND start < %(tomorrow)s
