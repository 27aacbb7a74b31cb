-- Stand-in for embeddings that the application would generate, to measure with: 2,000 capabilities with 768 numbers
-- each, in 40 topics, and 5,000 relationships. For a rehearsal's staging copy, once 006 (and 007, 008) is applied.
-- The same every time. Settings it reads, all optional:
--   sluice.baseline_capabilities (2000)   sluice.baseline_relationships (5000)

DO $$
DECLARE
  wanted INTEGER := COALESCE(NULLIF(current_setting('sluice.baseline_capabilities', true), ''), '2000')::INTEGER;
  agents INTEGER := (SELECT count(*) FROM agent_profiles);
  index_definition TEXT := pg_get_indexdef('idx_capabilities_embedding'::REGCLASS);
BEGIN
  IF agents = 0 THEN
    RETURN;
  END IF;
  -- Load, then index: several times as fast as the other way round.
  DROP INDEX idx_capabilities_embedding;

  WITH
  -- A vector is a topic's, moved by two of 64 disturbances: so near ones exist, and no two are equal.
  parts AS MATERIALIZED (
    SELECT kind, place, array_agg(hashint4(kind * 1000003 + place * 1009 + i) / 2147483648.0 * size ORDER BY i)::vector(768) AS v
    FROM (VALUES (0, 40, 1.0), (1, 64, 0.4), (2, 64, 0.4)) AS kinds (kind, total, size),
      LATERAL generate_series(0, total - 1) AS place, generate_series(1, 768) AS i
    GROUP BY kind, place
  ), numbered AS (
    SELECT a.id, row_number() OVER (ORDER BY a.id) - 1 AS place FROM agent_profiles a
  )
  INSERT INTO agent_capabilities_graph (id, agent_id, capability_name, confidence, extraction_confidence, embedding,
    first_observed, last_updated, last_demonstrated)
  SELECT
    md5('graph capability' || n)::UUID, numbered.id,
    'Topic ' || n % 40 || ' skill ' || n, 0.70 + (n % 31) / 100.0, 0.50 + (n % 50) / 100.0,
    topic.v + one.v + other.v, moment, moment, moment
  FROM generate_series(1, wanted) AS n
  JOIN numbered ON numbered.place = n % agents
  JOIN parts topic ON topic.kind = 0 AND topic.place = n % 40
  JOIN parts one ON one.kind = 1 AND one.place = abs(hashint4(n)) % 64
  JOIN parts other ON other.kind = 2 AND other.place = n / 40 % 64
  CROSS JOIN (VALUES (TIMESTAMPTZ '2025-10-10 00:00:00+00')) AS made (moment);

  EXECUTE index_definition;
END;
$$;

-- Half of the relationships go to a few well-known agents, as they do in practice.
WITH numbered AS (
  SELECT a.id, row_number() OVER (ORDER BY a.id) - 1 AS place, count(*) OVER () AS agents FROM agent_profiles a
), pairs AS (
  SELECT DISTINCT ON (LEAST(source, target), GREATEST(source, target)) n, source, target
  FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_relationships', true), ''), '5000')::INTEGER) AS n,
    (SELECT count(*) AS agents FROM agent_profiles) AS total,
    LATERAL (SELECT
      abs(hashint4(n)) % GREATEST(agents, 1) AS source,
      abs(hashint4(-n)) % GREATEST(CASE WHEN n % 2 = 0 THEN agents / 50 ELSE agents END, 1) AS target) AS ends
  WHERE source <> target
  ORDER BY LEAST(source, target), GREATEST(source, target), n
)
INSERT INTO agent_relationships (id, source_agent_id, target_agent_id, type, is_directional, confidence,
  created_at, updated_at, last_observed)
SELECT md5('relationship' || p.n)::UUID, s.id, t.id,
  (ARRAY['COLLABORATES_WITH', 'SIMILAR_TO', 'VALIDATES', 'DEPENDS_ON', 'INFLUENCES']::relationship_type[])[1 + p.n % 5],
  p.n % 3 = 0, 0.50 + (p.n % 51) / 100.0, moment, moment, moment
FROM pairs p
JOIN numbered s ON s.place = p.source
JOIN numbered t ON t.place = p.target
CROSS JOIN (VALUES (TIMESTAMPTZ '2025-10-10 00:00:00+00')) AS made (moment);

ANALYZE agent_capabilities_graph;
ANALYZE agent_relationships;

DO $$
BEGIN
  IF to_regclass('hybrid_search_materialized') IS NOT NULL THEN
    -- Not concurrently: nobody reads a staging copy, and this builds its HNSW index anew, which is faster.
    REFRESH MATERIALIZED VIEW hybrid_search_materialized;
    ANALYZE hybrid_search_materialized;
  END IF;
END;
$$;
