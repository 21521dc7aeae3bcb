-- definition: data as of: the ingest time of the newest change of a vacancy that the store has.
-- direction: the later the fresher.
-- source: vacancies (every version, so no FINAL).
SELECT count() AS versions, max(ingest_time) AS data_as_of
FROM vacancies
WHERE generation = %(generation)s
