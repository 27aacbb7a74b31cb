-- Everybody within two hops of an agent that has relationships. As an application role, with a tenant set.
SELECT t.agent_id, t.hop_distance
FROM traverse_agent_relationships((SELECT r.source_agent_id::TEXT FROM agent_relationships r LIMIT 1), 2) AS t
