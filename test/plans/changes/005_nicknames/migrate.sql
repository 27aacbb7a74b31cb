-- sluice: step "fill them" in batches
UPDATE account SET nickname = 'user ' || id WHERE nickname IS NULL;
