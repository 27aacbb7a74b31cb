-- The shortest way, of up to five hops, between two agents that have relationships. As an application role, with a tenant set.
SELECT p.path_length
FROM find_agent_path(
  (SELECT r.source_agent_id::TEXT FROM agent_relationships r ORDER BY r.created_at, r.id LIMIT 1),
  (SELECT r.target_agent_id::TEXT FROM agent_relationships r ORDER BY r.created_at DESC, r.id DESC LIMIT 1),
  5) AS p
