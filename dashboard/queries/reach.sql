-- definition: what each source feeds: side, region ('' for the nation) and major group ('' where no occupation is stated).
-- direction: a source that is not well flags the figures of these.
-- source: vacancies, every version: what a source has fed at any time.
SELECT DISTINCT fed_by, side, place, major
FROM (
    SELECT
        arrayJoin(ad_sources) AS fed_by, side, arrayJoin(arrayConcat(regions, [''])) AS place,
        substring(isco, 1, 1) AS major
    FROM vacancies
    WHERE generation = %(generation)s
)
