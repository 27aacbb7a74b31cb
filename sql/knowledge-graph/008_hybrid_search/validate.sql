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

-- sluice: check "a tenant far away gets its ten rows, small or large, and is told whether all were looked at"
-- "near" has what the questions are like, "far" the opposite, "nine" nine rows; some have no embedding, some no direction.
SELECT create_tenant('sluice-check-' || t.name, 'sluice-check', t.name)
FROM (VALUES ('near'), ('far'), ('nine'), ('none')) AS t (name);
INSERT INTO agent_profiles (id, name, model_family, tenant_id)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, t.id, 'check', t.id
FROM tenants t WHERE t.project_id = 'sluice-check';
CREATE FUNCTION pg_temp.direction(away INTEGER, n INTEGER) RETURNS vector LANGUAGE sql AS $$
  SELECT (array_fill(away, ARRAY[760]) || array_fill(0, ARRAY[8 - n % 8]) || array_fill(1 + n, ARRAY[n % 8]))::vector(768)
$$;
INSERT INTO agent_capabilities_graph (agent_id, tenant_id, capability_name, confidence, extraction_confidence, embedding)
SELECT a.id, a.tenant_id, 'sluice-check-' || n, 0.9, 0.9, CASE
    WHEN n > made.total + 1 THEN NULL WHEN n > made.total THEN array_fill(0, ARRAY[768])::vector
    ELSE pg_temp.direction(made.away, n) END
FROM (VALUES ('near', 40, 1), ('far', 12, -1), ('nine', 9, -1)) AS made (name, total, away)
JOIN agent_profiles a ON a.name = 'sluice-check-' || made.name, generate_series(1, made.total + 2) AS n;
SELECT refresh_hybrid_search_index();
-- Few candidates, so that the index finds nothing of those far away, as it would among many rows. The numbers are: rows,
-- those of them that are right, and whether all rows were looked at.
CREATE FUNCTION pg_temp.found(relation TEXT, tenant TEXT, few INTEGER) RETURNS TEXT LANGUAGE sql AS $$
  WITH found AS (
    SELECT n.id, bool_or(bool_or(n.looked_at_all)) OVER () AS looked_at_all
    FROM nearest_rows(relation::REGCLASS, pg_temp.direction(1, 1), ARRAY['sluice-check-' || tenant], 'true', 10, few, 20) n
    GROUP BY n.id ORDER BY min(n.distance), n.id LIMIT 10
  ), nearest AS (
    SELECT c.id::TEXT FROM agent_capabilities_graph c
    WHERE c.tenant_id = 'sluice-check-' || tenant AND vector_norm(c.embedding) > 0
    ORDER BY (c.embedding <=> pg_temp.direction(1, 1)) + 0, c.id LIMIT 10
  )
  SELECT concat_ws(', ', count(*), count(*) FILTER (WHERE f.id IN (SELECT n.id FROM nearest n)),
    CASE WHEN bool_and(f.looked_at_all) THEN 'all looked at' WHEN count(*) > 0 THEN 'by the index' END)
  FROM found f
$$;
CREATE FUNCTION pg_temp.index_scans(relation TEXT) RETURNS TEXT LANGUAGE sql AS $$
  SELECT pg_stat_get_xact_numscans((CASE relation WHEN 'agent_capabilities_graph' THEN 'idx_capabilities_embedding'
    ELSE 'idx_hybrid_search_embedding' END)::REGCLASS)::TEXT
$$;
SELECT r.name || ', ' || t.name AS name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES ('agent_capabilities_graph'), ('hybrid_search_materialized')) AS r (name)
CROSS JOIN LATERAL (VALUES
  ('as a small tenant', '10, 10, all looked at', pg_temp.found(r.name, 'far', 5000)),
  ('as a large tenant', '10, 10, all looked at', pg_temp.found(r.name, 'far', 0)),
  ('fewer than ten', '9, 9, all looked at', pg_temp.found(r.name, 'nine', 0)),
  ('none', '0, 0', pg_temp.found(r.name, 'none', 0))
) AS t (name, expected, seen);
SELECT r.name || ', near, as a large tenant' AS name, t.seen = '10, by the index, in 1 scan' AS passed,
  '10, by the index, in 1 scan' AS expected, t.seen
FROM (VALUES ('agent_capabilities_graph'), ('hybrid_search_materialized')) AS r (name)
CROSS JOIN LATERAL (
  -- One after the other: the scans until then, the search, the scans after it.
  SELECT regexp_replace(done.states[2], ', \d+,', ',') || ', in ' || done.states[3]::BIGINT - done.states[1]::BIGINT || ' scan' AS seen
  FROM (SELECT ARRAY[pg_temp.index_scans(r.name), pg_temp.found(r.name, 'near', 0), pg_temp.index_scans(r.name)] AS states) AS done
) AS t;
-- Asked as the application would, with the rights of the role that has most on agents.
SELECT set_config('role', (
  SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
    AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1), true), set_config('app.current_tenant', 'sluice-check-far', true);
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('hybrid_search', '10 true', (SELECT count(*) || ' ' || bool_and(s.looked_at_all) FROM hybrid_search(pg_temp.direction(1, 1)) s)),
  ('find_similar_capabilities', '10 true', (
    SELECT count(*) || ' ' || bool_and(s.looked_at_all) FROM find_similar_capabilities(pg_temp.direction(1, 1)) s)),
  ('a vector without a direction', '0', (SELECT count(*)::TEXT FROM hybrid_search(array_fill(0, ARRAY[768])::vector) s))
) AS t (name, expected, seen);

-- sluice: check "the planner sees whose embeddings are asked for"
-- So it asks the vector index for a large tenant's, and compares a small tenant's one by one. What it reckons with under
-- row security is what it reckons with where the tenant is written out.
SELECT create_tenant('sluice-check-' || t.name, 'sluice-check', t.name) FROM (VALUES ('large'), ('small')) AS t (name);
INSERT INTO agent_profiles (id, name, model_family, tenant_id)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, t.id, 'check', t.id
FROM tenants t WHERE t.project_id = 'sluice-check';
INSERT INTO agent_capabilities_graph (agent_id, tenant_id, capability_name, confidence, extraction_confidence)
SELECT a.id, a.tenant_id, 'sluice-check-' || n, 0.9, 0.9
FROM (VALUES ('large', 300), ('small', 3)) AS made (name, total)
JOIN agent_profiles a ON a.name = 'sluice-check-' || made.name, generate_series(1, made.total) AS n;
INSERT INTO caws_provenance_graph (tenant_id, entity_type, entity_id, signature)
SELECT 'sluice-check-' || made.name, 'verdict', 'sluice-check-' || n, 's'
FROM (VALUES ('large', 300), ('small', 3)) AS made (name, total), generate_series(1, made.total) AS n;
ANALYZE agent_capabilities_graph, caws_provenance_graph;
CREATE FUNCTION pg_temp.reckoned(reader TEXT, tenant TEXT, relation TEXT, condition TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  before TEXT := current_setting('role');
  plan JSONB;
BEGIN
  PERFORM set_config('app.current_tenant', tenant, true), set_config('role', COALESCE(reader, before), true);
  EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %I WHERE %s', relation, condition) INTO plan;
  PERFORM set_config('role', before, true), set_config('app.current_tenant', '', true);
  RETURN plan #>> '{0,Plan,Plan Rows}';
END;
$$;
SELECT r.name || ', ' || t.id AS name, seen.rows = expected.rows AS passed, expected.rows || ' rows' AS expected, seen.rows || ' rows' AS seen
FROM (VALUES ('agent_capabilities_graph'), ('caws_provenance_graph')) AS r (name)
CROSS JOIN tenants t
CROSS JOIN LATERAL pg_temp.reckoned(NULL, '', r.name, format('tenant_id = %L', t.id)) AS expected (rows)
CROSS JOIN LATERAL pg_temp.reckoned((
  SELECT role.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles role ON role.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
    AND pg_has_role(role.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
  GROUP BY role.rolname ORDER BY count(*) DESC, 1 LIMIT 1), t.id, r.name, 'true') AS seen (rows)
WHERE t.project_id = 'sluice-check';

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
