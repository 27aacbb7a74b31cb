-- Checks of 006. They hold before and after 007 and 008 too, on an empty and on a filled database.
-- Rows that they insert are rolled back.

-- sluice: check "the four tables exist"
SELECT wanted.name, to_regclass('public.' || wanted.name) IS NOT NULL AS passed, 'a table' AS expected,
  COALESCE(to_regclass('public.' || wanted.name)::TEXT, 'nothing') AS seen
FROM (VALUES ('agent_capabilities_graph'), ('agent_relationships'), ('caws_provenance_graph'), ('entity_chunk_mappings'))
  AS wanted (name);

-- sluice: check "the enums have their values"
SELECT wanted.name, COALESCE(enum_range_text.labels, 0) = wanted.labels AS passed, wanted.labels::TEXT AS expected,
  COALESCE(enum_range_text.labels, 0)::TEXT AS seen
FROM (VALUES ('entity_type', 8), ('relationship_type', 9)) AS wanted (name, labels)
LEFT JOIN LATERAL (
  SELECT count(*) AS labels FROM pg_enum e WHERE e.enumtypid = to_regtype('public.' || wanted.name)
) AS enum_range_text ON true;

-- sluice: check "embeddings have 768 dimensions and an HNSW index"
SELECT wanted.index_name AS name, count(i.indexrelid) = 1 AS passed, 'valid HNSW index on vector(768)' AS expected,
  COALESCE(max(pg_get_indexdef(i.indexrelid) || ' on ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN x.indisvalid THEN '' ELSE ', not valid' END), 'nothing') AS seen
FROM (VALUES ('idx_capabilities_embedding', 'agent_capabilities_graph'), ('idx_provenance_embedding', 'caws_provenance_graph'))
  AS wanted (index_name, table_name)
LEFT JOIN pg_index x ON x.indexrelid = to_regclass('public.' || wanted.index_name)
LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || wanted.table_name) AND a.attname = 'embedding'
LEFT JOIN LATERAL (
  SELECT x.indexrelid FROM pg_class c JOIN pg_am m ON m.oid = c.relam
  WHERE c.oid = x.indexrelid AND m.amname = 'hnsw' AND x.indisvalid AND x.indisready
    AND x.indrelid = a.attrelid AND x.indkey[0] = a.attnum AND format_type(a.atttypid, a.atttypmod) = 'vector(768)'
) AS i ON true
GROUP BY wanted.index_name;

-- sluice: check "every index is valid"
SELECT count(*) FILTER (WHERE NOT (x.indisvalid AND x.indisready)) = 0 AND count(*) > 0 AS passed, 'no invalid index' AS expected,
  COALESCE(string_agg(x.indexrelid::REGCLASS::TEXT, ', ') FILTER (WHERE NOT (x.indisvalid AND x.indisready)), 'no invalid index') AS seen
FROM pg_index x
WHERE x.indrelid = ANY (ARRAY[
  'public.agent_capabilities_graph', 'public.agent_relationships', 'public.caws_provenance_graph',
  'public.entity_chunk_mappings']::REGCLASS[]);

-- sluice: check "the triggers are there and enabled"
SELECT wanted.trigger_name AS name, t.tgenabled IS NOT DISTINCT FROM 'O' AS passed, 'enabled' AS expected,
  COALESCE(t.tgenabled::TEXT, 'nothing') AS seen
FROM (VALUES
  ('agent_capabilities_graph', 'set_capability_canonical_name'),
  ('agent_capabilities_graph', 'update_capabilities_last_updated'),
  ('agent_relationships', 'update_relationships_last_updated'),
  ('agent_relationships', 'prevent_duplicate_relationships_trigger'),
  ('caws_provenance_graph', 'chain_provenance_hash'),
  ('caws_provenance_graph', 'protect_provenance_rows'),
  ('caws_provenance_graph', 'protect_provenance_table')
) AS wanted (table_name, trigger_name)
LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass('public.' || wanted.table_name) AND t.tgname = wanted.trigger_name;

-- sluice: check "agent ids have the type of agent_profiles.id"
SELECT a.attrelid::REGCLASS || '.' || a.attname AS name,
  (a.atttypid, a.atttypmod) = (id.atttypid, id.atttypmod) AS passed,
  format_type(id.atttypid, id.atttypmod) AS expected, format_type(a.atttypid, a.atttypmod) AS seen
FROM pg_attribute id
JOIN pg_attribute a ON (a.attrelid, a.attname) IN (
  ('public.agent_capabilities_graph'::REGCLASS, 'agent_id'),
  ('public.agent_relationships'::REGCLASS, 'source_agent_id'),
  ('public.agent_relationships'::REGCLASS, 'target_agent_id'))
WHERE id.attrelid = 'public.agent_profiles'::REGCLASS AND id.attname = 'id';

-- sluice: check "a capability is normalised, found by its words and time-stamped"
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-1', 'check';
INSERT INTO agent_capabilities_graph (agent_id, capability_name, aliases, confidence, extraction_confidence, embedding, last_updated)
SELECT a.id, E'  TypeScript  \t Coding ', ARRAY['refactoring'], 0.85, 0.90, array_fill(0.5, ARRAY[768])::vector, '2000-01-01'
FROM agent_profiles a WHERE a.name = 'sluice-check-1';
UPDATE agent_capabilities_graph SET demonstration_count = 2
WHERE agent_id = (SELECT a.id FROM agent_profiles a WHERE a.name = 'sluice-check-1');
SELECT t.name, t.passed, t.expected, t.seen
FROM agent_capabilities_graph c
CROSS JOIN LATERAL (VALUES
  ('canonical name', c.canonical_name = 'typescript coding', 'typescript coding', c.canonical_name),
  ('words', c.search_vector @@ to_tsquery('english', 'code & refactor'), 'found', c.search_vector::TEXT),
  ('last_updated', c.last_updated = now(), now()::TEXT, c.last_updated::TEXT)
) AS t (name, passed, expected, seen)
WHERE c.agent_id = (SELECT a.id FROM agent_profiles a WHERE a.name = 'sluice-check-1');

-- sluice: check "a relationship is stored once, in whichever direction it is told"
CREATE FUNCTION pg_temp.relate(source TEXT, target TEXT, directional BOOLEAN) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, is_directional, confidence)
  SELECT s.id, t.id, 'VALIDATES', directional, 0.9 FROM agent_profiles s, agent_profiles t
  WHERE s.name = 'sluice-check-' || source AND t.name = 'sluice-check-' || target;
  RETURN 'accepted';
EXCEPTION WHEN unique_violation THEN
  RETURN 'refused';
END;
$$;
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check'
FROM generate_series(1, 4) AS n;
SELECT told.name, told.seen = told.expected AS passed, told.expected, told.seen
FROM (
  SELECT t.name, t.expected, pg_temp.relate(t.source, t.target, t.directional) AS seen
  FROM (VALUES
    (1, 'the first', '1', '2', false, 'accepted'),
    (2, 'the same again', '1', '2', false, 'refused'),
    (3, 'the other direction', '2', '1', false, 'refused'),
    (4, 'the other direction, directed', '2', '1', true, 'refused'),
    (5, 'a directed one', '3', '4', true, 'accepted'),
    (6, 'its opposite, directed too', '4', '3', true, 'accepted'),
    (7, 'undirected over a directed one', '3', '4', false, 'refused')
  ) AS t (place, name, source, target, directional, expected)
  ORDER BY t.place
) AS told;

-- sluice: check "a relationship can be updated"
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check'
FROM generate_series(1, 2) AS n;
INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence, updated_at)
SELECT s.id, t.id, 'VALIDATES', 0.9, '2000-01-01' FROM agent_profiles s, agent_profiles t
WHERE s.name = 'sluice-check-1' AND t.name = 'sluice-check-2';
UPDATE agent_relationships SET confidence = 0.8
WHERE source_agent_id = (SELECT a.id FROM agent_profiles a WHERE a.name = 'sluice-check-1');
SELECT r.updated_at = now() AND r.confidence = 0.8 AS passed, '0.80 at ' || now() AS expected, r.confidence || ' at ' || r.updated_at AS seen
FROM agent_relationships r
WHERE r.source_agent_id = (SELECT a.id FROM agent_profiles a WHERE a.name = 'sluice-check-1');

-- sluice: check "the provenance chain is computed, cannot be forged and cannot be rewritten"
CREATE FUNCTION pg_temp.attempt(statement TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'accepted';
EXCEPTION WHEN restrict_violation OR check_violation THEN
  RETURN 'refused';
END;
$$;
INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, metadata) VALUES ('spec', 'sluice-check-1', 's', NULL);
INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, parent_entity_id)
SELECT 'verdict', 'sluice-check-2', 's', p.id FROM caws_provenance_graph p WHERE p.entity_id = 'sluice-check-1';
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('hash of the child covers its parent''s', 'true', (
    SELECT (child.hash_chain = compute_provenance_hash(parent.hash_chain, 'verdict', 'sluice-check-2', '{}'))::TEXT
    FROM caws_provenance_graph parent JOIN caws_provenance_graph child ON child.parent_entity_id = parent.id
    WHERE parent.entity_id = 'sluice-check-1')),
  ('fields do not run into each other', 'true',
    (compute_provenance_hash(NULL, 'gate', '1x', '{}') <> compute_provenance_hash(NULL, 'gate1', 'x', '{}'))::TEXT),
  ('absent and empty metadata differ', 'true',
    (compute_provenance_hash(NULL, 'gate', 'x', NULL) <> compute_provenance_hash(NULL, 'gate', 'x', '{}'))::TEXT),
  ('a forged hash', 'refused', pg_temp.attempt(
    $q$INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, hash_chain) VALUES ('gate', 'sluice-check-3', 's', repeat('a', 64))$q$)),
  ('rewriting', 'refused', pg_temp.attempt(
    $q$UPDATE caws_provenance_graph SET signature = 'other' WHERE entity_id = 'sluice-check-1'$q$)),
  ('deleting', 'refused', pg_temp.attempt(
    $q$DELETE FROM caws_provenance_graph WHERE entity_id = 'sluice-check-2'$q$)),
  ('adding an embedding later', 'accepted', pg_temp.attempt(
    $q$UPDATE caws_provenance_graph SET embedding = array_fill(0.5, ARRAY[768])::vector WHERE entity_id = 'sluice-check-1'$q$)),
  ('the chain view''s depth', '1', (
    SELECT v.depth::TEXT FROM caws_provenance_chains v WHERE v.entity_id = 'sluice-check-2')),
  ('the chain view finds it intact', 'true', (
    SELECT v.intact::TEXT FROM caws_provenance_chains v WHERE v.entity_id = 'sluice-check-2'))
) AS t (name, expected, seen);

-- sluice: check "the summary views count"
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check'
FROM generate_series(1, 2) AS n;
INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
SELECT s.id, t.id, 'VALIDATES', 0.9 FROM agent_profiles s, agent_profiles t
WHERE s.name = 'sluice-check-1' AND t.name = 'sluice-check-2';
INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence)
SELECT a.id, 'counting', 0.8, 0.9 FROM agent_profiles a WHERE a.name = 'sluice-check-1';
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM agent_profiles a
CROSS JOIN LATERAL (VALUES
  ('agent_capability_summary', '1', (SELECT v.capability_count::TEXT FROM agent_capability_summary v WHERE v.agent_id = a.id)),
  ('agent_relationship_summary', '1', (SELECT v.relationship_count::TEXT FROM agent_relationship_summary v WHERE v.source_agent_id = a.id)),
  ('agent_connectivity', '1 of 1', (
    SELECT v.outbound_relationships || ' of ' || v.total_relationships FROM agent_connectivity v WHERE v.agent_id = a.id))
) AS t (name, expected, seen)
WHERE a.name = 'sluice-check-1';

-- sluice: check "what was prepared is in the graph, embeddings and all"
CREATE FUNCTION pg_temp.lacking(source TEXT, wanted TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  lacking BIGINT := 0;
BEGIN
  IF to_regclass('public.' || source) IS NOT NULL THEN
    EXECUTE format('SELECT count(*) FROM %I p WHERE NOT EXISTS (%s)', source, wanted) INTO lacking;
  END IF;
  RETURN lacking || ' rows missing';
END;
$$;
SELECT t.name, t.seen = '0 rows missing' AS passed, '0 rows missing' AS expected, t.seen
FROM (VALUES
  ('capabilities', pg_temp.lacking('prepared_capabilities', 'SELECT FROM agent_capabilities_graph c
    WHERE c.id = p.id AND c.agent_id = p.agent_id AND c.embedding::REAL[] IS NOT DISTINCT FROM p.embedding')),
  ('relationships', pg_temp.lacking('prepared_relationships', 'SELECT FROM agent_relationships r
    WHERE r.id = p.id AND r.source_agent_id = p.source_agent_id AND r.target_agent_id = p.target_agent_id'))
) AS t (name, seen);

-- sluice: check "no capability is an orphan"
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen
FROM agent_capabilities_graph c
LEFT JOIN agent_profiles a ON a.id = c.agent_id
WHERE a.id IS NULL;

-- sluice: check "rights follow those on agent_profiles" as each application role
-- But nobody deletes provenance, and views are for reading.
SELECT r.name || ', ' || p.privilege AS name, has_table_privilege('public.' || r.name, p.privilege) = wanted.may AS passed,
  wanted.may::TEXT AS expected, has_table_privilege('public.' || r.name, p.privilege)::TEXT AS seen
FROM (VALUES ('agent_capabilities_graph', 'r'), ('agent_relationships', 'r'), ('caws_provenance_graph', 'r'), ('entity_chunk_mappings', 'r'),
  ('agent_capability_summary', 'v'), ('agent_relationship_summary', 'v'), ('agent_connectivity', 'v'), ('caws_provenance_chains', 'v')) AS r (name, kind)
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
CROSS JOIN LATERAL (
  SELECT has_table_privilege('public.agent_profiles', p.privilege) AND (r.kind = 'r' OR p.privilege = 'SELECT')
    AND NOT (r.name = 'caws_provenance_graph' AND p.privilege = 'DELETE') AS may
) AS wanted;
