-- Checks of 008. What they insert is rolled back, the refreshed materialized view too.
-- That no function lets one tenant see another is checked by 007's, over the catalog; here, that the functions work.

-- sluice: check "the view, the materialized view, the table and the analytics views exist"
SELECT wanted.name, c.relkind IS NOT DISTINCT FROM wanted.kind::"char" AS passed, wanted.kind AS expected, COALESCE(c.relkind::TEXT, 'nothing') AS seen
FROM (VALUES ('hybrid_search_index', 'v'), ('hybrid_search_materialized', 'm'), ('graph_search_sessions', 'r'),
  ('slow_search_queries', 'v'), ('popular_search_queries', 'v'), ('search_performance_by_type', 'v')) AS wanted (name, kind)
LEFT JOIN pg_class c ON c.oid = to_regclass('public.' || wanted.name);

-- sluice: check "the functions exist"
SELECT wanted.name, count(p.oid) = 1 AS passed, '1' AS expected, count(p.oid)::TEXT AS seen
FROM (VALUES ('refresh_hybrid_search_index'), ('traverse_agent_relationships'), ('find_agent_path'), ('hybrid_search'),
  ('find_similar_capabilities'), ('find_similar_caws_verdicts'), ('compute_agent_centrality'), ('log_search_session')) AS wanted (name)
LEFT JOIN pg_proc p ON p.proname = wanted.name AND p.pronamespace = 'public'::REGNAMESPACE
GROUP BY wanted.name;

-- sluice: check "the materialized view is filled, indexed and can be refreshed concurrently"
SELECT t.name, t.passed, 'true' AS expected, t.passed::TEXT AS seen
FROM pg_class c
CROSS JOIN LATERAL (
  SELECT COALESCE(bool_and(x.indisvalid AND x.indisready), false) AS valid,
    COALESCE(bool_or(x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL), false) AS has_unique,
    COALESCE(bool_or(m.amname = 'hnsw'), false) AS has_hnsw
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
  WHERE x.indrelid = c.oid
) AS indexes
CROSS JOIN LATERAL (VALUES
  ('filled', c.relispopulated), ('indexes valid', indexes.valid), ('unique index', indexes.has_unique), ('HNSW index', indexes.has_hnsw)
) AS t (name, passed)
WHERE c.oid = 'public.hybrid_search_materialized'::REGCLASS;

-- sluice: check "the materialized view can be counted and refreshed"
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-1', 'check';
CREATE TEMP TABLE rows_before ON COMMIT DROP AS SELECT count(*) AS n FROM hybrid_search_materialized WHERE name = 'sluice-check-1';
SELECT refresh_hybrid_search_index();
SELECT b.n = 0 AND count(*) = 1 AS passed, 'one new row' AS expected, count(*) - b.n || ' new rows' AS seen
FROM rows_before b LEFT JOIN hybrid_search_materialized m ON m.name = 'sluice-check-1'
WHERE m.id IS NOT NULL
GROUP BY b.n;

-- sluice: check "nobody reads the materialized view itself" as each application role
SELECT NOT has_any_column_privilege('public.hybrid_search_materialized', 'SELECT') AS passed, 'no right' AS expected,
  CASE WHEN has_any_column_privilege('public.hybrid_search_materialized', 'SELECT') THEN 'SELECT' ELSE 'no right' END AS seen;

-- sluice: check "an agent that does not exist is related to nobody" as each application role
SELECT set_config('app.current_tenant', 'default-tenant', true);
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen FROM traverse_agent_relationships('non-existent-agent', 2);

-- sluice: check "there is no way to an agent that does not exist" as each application role
SELECT set_config('app.current_tenant', 'default-tenant', true);
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen FROM find_agent_path('non-existent-agent', 'other-agent', 5);

-- sluice: check "the graph is walked right"
-- 1 - 2 - 3 - 4 undirected, 1 - 5 > 4 with the second half directed, 6 alone.
SELECT create_tenant('sluice-check', 'sluice-check', 'check');
SELECT set_config('app.current_tenant', 'sluice-check', true);
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check'
FROM generate_series(1, 6) AS n;
INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, is_directional, confidence)
SELECT s.id, t.id, 'VALIDATES', e.directional, e.confidence
FROM (VALUES (2, 1, false, 0.9), (2, 3, false, 0.9), (3, 4, false, 0.9), (1, 5, false, 0.5), (5, 4, true, 0.8))
  AS e (source, target, directional, confidence)
JOIN agent_profiles s ON s.name = 'sluice-check-' || e.source
JOIN agent_profiles t ON t.name = 'sluice-check-' || e.target;
CREATE FUNCTION pg_temp.id_of(n INTEGER) RETURNS TEXT LANGUAGE sql AS $$
  SELECT a.id::TEXT FROM agent_profiles a WHERE a.name = 'sluice-check-' || n
$$;
CREATE FUNCTION pg_temp.walk(start INTEGER, hops INTEGER, floor_confidence NUMERIC, cap INTEGER) RETURNS TEXT LANGUAGE sql AS $$
  SELECT COALESCE(string_agg(right(t.agent_name, 1) || '@' || t.hop_distance || CASE WHEN t.truncated THEN '+' ELSE '' END, ' '
    ORDER BY t.hop_distance, t.cumulative_confidence DESC), 'nobody')
  FROM traverse_agent_relationships(pg_temp.id_of(start), hops, floor_confidence, NULL, cap) AS t
$$;
CREATE FUNCTION pg_temp.way(source INTEGER, target INTEGER, hops INTEGER) RETURNS TEXT LANGUAGE sql AS $$
  SELECT COALESCE((
    SELECT p.path_length || ': ' || (
      SELECT string_agg(right(a.name, 1), '-' ORDER BY u.place)
      FROM unnest(p.agent_path) WITH ORDINALITY AS u (id, place) JOIN agent_profiles a ON a.id::TEXT = u.id
    ) || ' ' || p.total_confidence
    FROM find_agent_path(pg_temp.id_of(source), pg_temp.id_of(target), hops) AS p), 'none')
$$;
-- Asked as the application would, with the rights of the role that has most on agents.
SELECT set_config('role', (
  SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
    AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1), true);
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('each agent once, at its least distance, both ways', '2@1 5@1 3@2 4@2', pg_temp.walk(1, 2, 0.5, 1000)),
  ('not against a directed relationship', '3@1 2@2 1@3', pg_temp.walk(4, 3, 0.5, 1000)),
  ('not below the least confidence', '2@1 3@2 4@3', pg_temp.walk(1, 3, 0.85, 1000)),
  ('cut at the row cap, which is said', '2@1+', pg_temp.walk(1, 2, 0.5, 1)),
  ('the shortest way', '2: 1-5-4 0.400000', pg_temp.way(1, 4, 5)),
  ('back, where the short one is one-way', '3: 4-3-2-1 0.729000', pg_temp.way(4, 1, 5)),
  ('none within too few hops', 'none', pg_temp.way(4, 1, 2)),
  ('none to who knows nobody', 'none', pg_temp.way(1, 6, 5)),
  ('to oneself', '0: 1 1.0', pg_temp.way(1, 1, 5)),
  ('centrality', '2', (SELECT c.connection_count::TEXT FROM compute_agent_centrality() c WHERE c.agent_id = pg_temp.id_of(1)))
) AS t (name, expected, seen);

-- sluice: check "search finds by meaning, by words and by acquaintance, each once"
SELECT create_tenant('sluice-check', 'sluice-check', 'check');
SELECT set_config('app.current_tenant', 'sluice-check', true);
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check'
FROM generate_series(1, 3) AS n;
INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
SELECT s.id, t.id, 'VALIDATES', 0.9 FROM agent_profiles s, agent_profiles t
WHERE s.name = 'sluice-check-1' AND t.name = 'sluice-check-2';
INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence, embedding)
SELECT a.id, e.capability, 0.9, 0.9, e.embedding::vector
FROM (VALUES
  ('sluice-check-1', 'gardening', array_fill(1.0, ARRAY[768])),
  ('sluice-check-2', 'bookkeeping', NULL),
  ('sluice-check-3', 'welding', array_fill(-1.0, ARRAY[768]))
) AS e (agent, capability, embedding)
JOIN agent_profiles a ON a.name = e.agent;
INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, embedding)
VALUES ('verdict', 'sluice-check-verdict', 's', array_fill(1.0, ARRAY[768])::vector);
SELECT refresh_hybrid_search_index();
-- Asked as the application would, with the rights of the role that has most on agents.
SELECT set_config('role', (
  SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
    AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1), true);
SELECT t.name, t.seen IS NOT DISTINCT FROM t.expected AS passed, t.expected, COALESCE(t.seen, 'nothing') AS seen
FROM (VALUES
  ('by meaning', 'gardening', (
    SELECT s.name::TEXT FROM hybrid_search(array_fill(1.0, ARRAY[768])::vector, entity_types => ARRAY['agent_capability']) s LIMIT 1)),
  ('by words', 'welding', (SELECT s.name::TEXT FROM hybrid_search(NULL, 'weld') s LIMIT 1)),
  ('by acquaintance, at the hops walked', 'bookkeeping at 1 by graph', (
    SELECT s.name || ' at ' || s.hop_distance || ' by ' || s.source
    FROM hybrid_search(array_fill(1.0, ARRAY[768])::vector, max_results => 20) s WHERE s.source = 'graph' LIMIT 1)),
  ('each once', 'true', (
    SELECT (count(*) = count(DISTINCT (s.entity_type, s.entity_id)))::TEXT
    FROM hybrid_search(array_fill(1.0, ARRAY[768])::vector, 'gardening', 20) s)),
  ('similar capabilities', 'gardening', (
    SELECT s.capability_name::TEXT FROM find_similar_capabilities(array_fill(1.0, ARRAY[768])::vector) s LIMIT 1)),
  ('similar verdicts', 'sluice-check-verdict', (
    SELECT s.entity_id::TEXT FROM find_similar_caws_verdicts(array_fill(1.0, ARRAY[768])::vector, 'verdict') s LIMIT 1)),
  ('nothing in another tenant''s name', '0', (
    SELECT count(*)::TEXT FROM hybrid_search(array_fill(1.0, ARRAY[768])::vector, p_tenant_id => 'default-tenant') s))
) AS t (name, expected, seen);

-- sluice: check "searches are logged and analysed"
SELECT create_tenant('sluice-check', 'sluice-check', 'check');
SELECT set_config('app.current_tenant', 'sluice-check', true);
-- Asked as the application would, with the rights of the role that has most on agents.
SELECT set_config('role', (
  SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
    AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1), true);
SELECT log_search_session('slow words', 'hybrid', 3, 900) FROM generate_series(1, 6);
SELECT t.name, t.seen IS NOT DISTINCT FROM t.expected AS passed, t.expected, COALESCE(t.seen, 'nothing') AS seen
FROM (VALUES
  ('graph_search_sessions', '6', (SELECT count(*)::TEXT FROM graph_search_sessions s WHERE s.tenant_id = 'sluice-check')),
  ('slow_search_queries', '900', (SELECT max(v.max_time_ms)::TEXT FROM slow_search_queries v WHERE v.query_text = 'slow words')),
  ('popular_search_queries', '6', (SELECT v.frequency::TEXT FROM popular_search_queries v WHERE v.query_text = 'slow words')),
  ('search_performance_by_type', 'true', (SELECT (v.total_searches >= 6)::TEXT FROM search_performance_by_type v WHERE v.search_type = 'hybrid'))
) AS t (name, expected, seen);
