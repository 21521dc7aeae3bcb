-- definition: the latest status of each source.
-- direction: a source that is silent, or seen under 0.8 of expected, flags every figure that it feeds.
-- source: source_status of the raw namespace.
SELECT source, kind, state, at, last_success, seen, expected, published, rejected, message,
       filled, drifted
FROM source_status FINAL
WHERE raw = %(raw)s
ORDER BY source
