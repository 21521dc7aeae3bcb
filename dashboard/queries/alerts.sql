-- definition: spikes as they stand now, those whose latest event is at or after `since`: a count above the baseline of
--   its weekday and hour, started or ended; withdrawn ones (a correction took the ground away) only when asked for.
-- direction: count above limit is unusual demand (offers) or supply (seekers); expected is the baseline's mean.
-- source: market_alerts (detection: EARS-like limit with a minimum count).
SELECT id, version, event, side, isco, region, `window`, start, `count`, expected, `limit`, event_time, flagged
FROM market_alerts FINAL
WHERE generation = %(generation)s AND event_time >= %(since)s
    AND (event = %(event)s OR (%(event)s = '' AND event != 'withdrawn'))
ORDER BY event_time DESC, id
LIMIT %(limit)s
