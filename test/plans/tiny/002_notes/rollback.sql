-- sluice: step "take the author away"
ALTER TABLE note DROP COLUMN IF EXISTS author;
