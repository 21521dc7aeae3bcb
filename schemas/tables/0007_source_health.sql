-- How well a source is read: the share of its usual fields that were filled, and those that it has lost.
ALTER TABLE source_status ADD COLUMN filled Nullable(Float64);

ALTER TABLE source_status ADD COLUMN drifted Array(String);
