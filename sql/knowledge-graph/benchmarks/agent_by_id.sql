-- One agent by its id: once as the owner (no row security) and once as an application role with a tenant set, the
-- difference is what row security costs.
SELECT a.* FROM agent_profiles a WHERE a.id = (SELECT f.id FROM agent_profiles f LIMIT 1)
