-- sluice: step "keep them"
CREATE TABLE old_visit AS SELECT * FROM visit WHERE at < '2020-01-01';

-- sluice: step "delete them" in batches
DELETE FROM visit WHERE at < '2020-01-01';
