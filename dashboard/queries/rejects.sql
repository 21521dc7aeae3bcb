-- definition: records that could not be used since `since`, by stage, source and reason.
-- direction: fewer is better; a surge is a misconfigured source.
-- source: rejects of the raw namespace: the generation's own, and the producers'.
SELECT stage, source, reason, count() AS rejected
FROM rejects FINAL
WHERE raw = %(raw)s AND generation IN ('', %(generation)s) AND at >= %(since)s
GROUP BY stage, source, reason
ORDER BY rejected DESC, stage, source, reason
