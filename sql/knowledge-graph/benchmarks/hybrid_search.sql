-- By meaning, by words and by acquaintance at once. As an application role, with a tenant set.
SELECT s.entity_id, s.relevance_score
FROM hybrid_search(
  (SELECT p.embedding FROM agent_capabilities_graph p WHERE p.embedding IS NOT NULL LIMIT 1), 'skill') AS s
