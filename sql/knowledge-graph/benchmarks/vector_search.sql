-- The ten capabilities nearest to one of them, by the HNSW index. As an application role, with a tenant set.
SELECT c.id, c.capability_name
FROM agent_capabilities_graph c
ORDER BY c.embedding <=> (SELECT p.embedding FROM agent_capabilities_graph p WHERE p.embedding IS NOT NULL LIMIT 1)
LIMIT 10
