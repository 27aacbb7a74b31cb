-- The same by the function, which compares a small tenant's rows one by one. As an application role, with a tenant set.
SELECT s.capability_id, s.similarity_score
FROM find_similar_capabilities(
  (SELECT p.embedding FROM agent_capabilities_graph p WHERE p.embedding IS NOT NULL LIMIT 1)) AS s
