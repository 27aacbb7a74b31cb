-- 008: hybrid search. One index over everything searchable, graph traversal, and the functions that combine them.
--
-- How it stays within a tenant. Functions that only read tables run with the caller's rights, so row security applies.
-- The materialized view cannot have row security, so nobody may read it: its functions can (SECURITY DEFINER), and they
-- ask for the tenants the caller may read, never for the one it names.
--
-- Every index here is on a relation that this migration makes, and that nobody reads or writes before it is done; hence:
-- squawk-ignore-file require-concurrent-index-creation

-- sluice: step "look whether its names are free"
-- The rollback drops by name, so what it drops must be this migration's own.
DO $$
DECLARE
  taken TEXT := (
    SELECT string_agg(n.name, ', ' ORDER BY n.place)
    FROM unnest(ARRAY[
      'hybrid_search_undo', 'hybrid_search_index', 'hybrid_search_materialized', 'graph_search_sessions',
      'slow_search_queries', 'popular_search_queries', 'search_performance_by_type',
      'refresh_hybrid_search_index()', 'compute_agent_centrality()', 'find_agent_path(text, text, integer)',
      'traverse_agent_relationships(text, integer, numeric, relationship_type[], integer)', 'searchable_tenants(text, text)',
      'nearest_rows(regclass, vector, text[], text, integer, integer, integer)', 'find_similar_capabilities(vector, varchar, integer, numeric)',
      'find_similar_caws_verdicts(vector, varchar, integer)',
      'hybrid_search(vector, text, integer, integer, varchar[], varchar, numeric)',
      'log_search_session(text, varchar, integer, integer, varchar, jsonb)'
    ]) WITH ORDINALITY AS n (name, place)
    WHERE CASE WHEN n.name LIKE '%)' THEN to_regprocedure(n.name) IS NOT NULL
      ELSE to_regclass(n.name) IS NOT NULL OR to_regtype(n.name) IS NOT NULL END);
BEGIN
  IF taken IS NOT NULL THEN
    RAISE EXCEPTION 'these are there already, and migration 008 would create them: %', taken
      USING ERRCODE = 'duplicate_object', HINT = 'Nothing was changed. Rename or drop what is in the way.';
  END IF;
END;
$$;

-- sluice: step "begin"
CREATE TABLE hybrid_search_undo (
  note TEXT PRIMARY KEY
);
COMMENT ON TABLE hybrid_search_undo IS
  'Marks that migration 008 was begun; without this table its rollback undoes nothing. Dropped by it.';
REVOKE ALL ON hybrid_search_undo FROM PUBLIC;

-- sluice: step "create the view over everything searchable"
-- Ids are text: an agent's may be a uuid or a varchar. What has no embedding (yet) can be found by its name.
CREATE VIEW hybrid_search_index WITH (security_invoker = true) AS
SELECT
  'agent_capability'::VARCHAR(50) AS entity_type,
  c.id::TEXT AS id,
  c.agent_id::TEXT AS parent_id,
  c.capability_name::VARCHAR(500) AS name,
  c.canonical_name::VARCHAR(500) AS canonical_name,
  c.embedding::vector(768) AS embedding,
  c.confidence::NUMERIC AS confidence,
  c.tenant_id,
  c.metadata,
  c.last_updated AS updated_at
FROM agent_capabilities_graph c
UNION ALL
SELECT
  'caws_provenance',
  p.id::TEXT,
  p.parent_entity_id::TEXT,
  p.entity_id,
  p.entity_id,
  p.embedding,
  GREATEST(p.evidence_completeness, p.budget_adherence, p.gate_integrity, p.provenance_clarity),
  p.tenant_id,
  p.metadata,
  p.created_at
FROM caws_provenance_graph p
UNION ALL
SELECT
  'agent',
  a.id::TEXT,
  NULL,
  a.name,
  a.name,
  NULL::vector(768),
  NULL,
  a.tenant_id,
  NULL,
  a.updated_at
FROM agent_profiles a;
COMMENT ON VIEW hybrid_search_index IS 'Everything searchable: capabilities, provenance, agents';

-- sluice: step "create the materialized view"
CREATE MATERIALIZED VIEW hybrid_search_materialized WITH (toast_tuple_target = 4080) AS
SELECT
  i.entity_type, i.id, i.parent_id, i.name, i.canonical_name,
  -- Through the view's UNION the dimension is lost, and without it there is no HNSW index.
  i.embedding::vector(768) AS embedding,
  i.confidence, i.tenant_id, i.metadata, i.updated_at
FROM hybrid_search_index i
WITH NO DATA;
-- As in 006's tables. Filled after this, so that every row is stored so.
ALTER MATERIALIZED VIEW hybrid_search_materialized ALTER COLUMN embedding SET STORAGE PLAIN;
REFRESH MATERIALIZED VIEW hybrid_search_materialized;
REVOKE ALL ON hybrid_search_materialized FROM PUBLIC;
COMMENT ON MATERIALIZED VIEW hybrid_search_materialized IS
  'hybrid_search_index, stored and indexed. Every tenant''s rows: to be read through functions only';

-- sluice: step "index the materialized view"
-- The unique one is what REFRESH ... CONCURRENTLY needs.
CREATE UNIQUE INDEX idx_hybrid_search_entity ON hybrid_search_materialized (entity_type, id, tenant_id);
CREATE INDEX idx_hybrid_search_type ON hybrid_search_materialized (entity_type);
CREATE INDEX idx_hybrid_search_tenant ON hybrid_search_materialized (tenant_id);
CREATE INDEX idx_hybrid_search_text ON hybrid_search_materialized USING gin (to_tsvector('english', name));

-- sluice: step "index the materialized view's embeddings"
-- Nobody reads it yet. Memory and workers are the step engine's to find.
CREATE INDEX idx_hybrid_search_embedding ON hybrid_search_materialized
  USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64) WHERE embedding IS NOT NULL;

-- sluice: step "gather statistics"
-- Of the graph too: 006 may have filled it, and 007 added a column that every search is filtered by. Without these, searches
-- sort a whole tenant until autovacuum comes.
ANALYZE hybrid_search_materialized, agent_capabilities_graph, agent_relationships;

-- sluice: step "create the refresh"
-- With the owner's rights, since only the owner may refresh. CONCURRENTLY: searches go on meanwhile.
CREATE FUNCTION refresh_hybrid_search_index() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  REFRESH MATERIALIZED VIEW CONCURRENTLY hybrid_search_materialized;
END;
$$;

-- sluice: step "create the graph functions"
-- Agent ids come in and go out as text; inside they have the type of agent_profiles.id, so that its index is used.
-- Text that is no id of that type is the id of nobody.
DO $migration$
DECLARE
  agent_id_type TEXT := (
    SELECT format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = 'agent_profiles'::REGCLASS AND attname = 'id'
  );
BEGIN
  -- Breadth-first, a level at a time, so each agent appears once: at its least distance, by the most confident of the
  -- shortest ways. Undirected relationships are walked both ways. Edges never leave a tenant, so the walk stays in the
  -- tenant of the agent it starts from: the caller's own, or one that shares with it.
  -- It stops after max_rows agents (NULL: never), nearest and most confident first, and says so in "truncated".
  EXECUTE replace($create$
    CREATE FUNCTION traverse_agent_relationships(
      start_agent_id TEXT,
      max_hops INTEGER DEFAULT 2,
      min_confidence NUMERIC DEFAULT 0.5,
      relationship_types relationship_type[] DEFAULT NULL,
      max_rows INTEGER DEFAULT 1000
    ) RETURNS TABLE (
      agent_id TEXT,
      agent_name VARCHAR,
      hop_distance INTEGER,
      relationship_path relationship_type[],
      cumulative_confidence NUMERIC,
      path TEXT[],
      truncated BOOLEAN
    )
    -- Levels differ in size by thousands, so each is planned for itself, and none is sorted on disk.
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET jit = off
    SET plan_cache_mode = force_custom_plan SET work_mem = '64MB' SET enable_mergejoin = off AS $body$
    DECLARE
      this_tenant TEXT := NULLIF(current_setting('app.current_tenant', true), '');
      home TEXT;
      -- Everybody reached so far: who, from which position in these arrays, by what, how far, how confidently.
      ids AGENT_ID[];
      parents INTEGER[] := ARRAY[0];
      types relationship_type[] := ARRAY[NULL::relationship_type];
      hops INTEGER[] := ARRAY[0];
      confidences DOUBLE PRECISION[] := ARRAY[1.0];
      level_start INTEGER := 1;
      room INTEGER;
      found_ids AGENT_ID[];
      found_parents INTEGER[];
      found_types relationship_type[];
      found_confidences DOUBLE PRECISION[];
      cut BOOLEAN := false;
    BEGIN
      BEGIN
        ids := ARRAY[start_agent_id::AGENT_ID];
      EXCEPTION WHEN invalid_text_representation THEN
        RETURN;
      END;
      SELECT a.tenant_id INTO home FROM agent_profiles a
      WHERE a.id = ids[1] AND (a.tenant_id = this_tenant OR a.tenant_id = ANY (tenants_sharing_with_me()))
      ORDER BY a.tenant_id = this_tenant DESC, a.tenant_id
      LIMIT 1;
      IF NOT FOUND THEN
        RETURN;
      END IF;

      FOR hop IN 1 .. max_hops LOOP
        room := max_rows - cardinality(ids) + 1;
        -- In the order of the sub-select.
        SELECT array_agg(best.id), array_agg(best.parent), array_agg(best.type), array_agg(best.confidence)
        INTO found_ids, found_parents, found_types, found_confidences
        FROM (
          SELECT nearest.*
          FROM (
            SELECT DISTINCT ON (edge.id)
              edge.id, (level_start - 1 + edge.place)::INTEGER AS parent, edge.type, edge.confidence
            FROM (
              SELECT r.target_agent_id AS id, frontier.place, r.type, frontier.confidence * r.confidence AS confidence
              FROM unnest(ids[level_start:], confidences[level_start:]) WITH ORDINALITY AS frontier (id, confidence, place)
              JOIN agent_relationships r ON r.source_agent_id = frontier.id
              WHERE r.tenant_id = home AND r.confidence >= min_confidence
                AND (relationship_types IS NULL OR r.type = ANY (relationship_types))
              UNION ALL
              SELECT r.source_agent_id, frontier.place, r.type, frontier.confidence * r.confidence
              FROM unnest(ids[level_start:], confidences[level_start:]) WITH ORDINALITY AS frontier (id, confidence, place)
              JOIN agent_relationships r ON r.target_agent_id = frontier.id
              WHERE NOT r.is_directional AND r.tenant_id = home AND r.confidence >= min_confidence
                AND (relationship_types IS NULL OR r.type = ANY (relationship_types))
            ) AS edge
            WHERE NOT EXISTS (SELECT FROM unnest(ids) AS seen (id) WHERE seen.id = edge.id)
            ORDER BY edge.id, edge.confidence DESC, edge.place, edge.type
          ) AS nearest
          ORDER BY nearest.confidence DESC, nearest.id
          LIMIT room + 1
        ) AS best;

        EXIT WHEN found_ids IS NULL;
        IF cardinality(found_ids) > room THEN
          cut := true;
          found_ids := found_ids[:room];
          found_parents := found_parents[:room];
          found_types := found_types[:room];
          found_confidences := found_confidences[:room];
        END IF;
        level_start := cardinality(ids) + 1;
        ids := ids || found_ids;
        parents := parents || found_parents;
        types := types || found_types;
        confidences := confidences || found_confidences;
        hops := hops || array_fill(hop, ARRAY[cardinality(found_ids)]);
        EXIT WHEN cut;
      END LOOP;

      RETURN QUERY
      -- Names are read all at once for many agents, and looked up one by one for few.
      WITH RECURSIVE names AS MATERIALIZED (
        SELECT a.id, a.name FROM agent_profiles a WHERE a.tenant_id = home AND cardinality(ids) > 10000
      ), reached AS MATERIALIZED (
        SELECT n.place::INTEGER AS place, n.id::TEXT AS id, n.parent, n.type, n.hop, n.confidence,
          COALESCE(names.name, (SELECT a.name FROM agent_profiles a WHERE a.id = n.id AND a.tenant_id = home)) AS name
        FROM unnest(ids, parents, types, hops, confidences) WITH ORDINALITY AS n (id, parent, type, hop, confidence, place)
        LEFT JOIN names ON names.id = n.id
      ), ways AS (
        SELECT r.place, r.id, r.name, r.hop, r.confidence, ARRAY[]::relationship_type[] AS by_types, ARRAY[r.id] AS by_ids
        FROM reached r WHERE r.hop = 0
        UNION ALL
        SELECT r.place, r.id, r.name, r.hop, r.confidence, w.by_types || r.type, w.by_ids || r.id
        FROM ways w JOIN reached r ON r.parent = w.place
      )
      SELECT w.id, w.name, w.hop, w.by_types, round(w.confidence::NUMERIC, 6), w.by_ids, cut
      FROM ways w
      WHERE w.hop > 0
      ORDER BY w.place;
    END;
    $body$
  $create$, 'AGENT_ID', agent_id_type);

  -- From both ends at once, always widening the smaller side: each side then sees a small part of what one side alone
  -- would. Among the shortest ways it returns the most confident.
  EXECUTE replace($create$
    CREATE FUNCTION find_agent_path(
      source_agent_id TEXT,
      target_agent_id TEXT,
      max_hops INTEGER DEFAULT 5
    ) RETURNS TABLE (
      path_length INTEGER,
      relationship_path relationship_type[],
      agent_path TEXT[],
      total_confidence NUMERIC
    )
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET jit = off AS $body$
    DECLARE
      this_tenant TEXT := NULLIF(current_setting('app.current_tenant', true), '');
      home TEXT;
      a_ids AGENT_ID[]; a_parents INTEGER[] := ARRAY[0]; a_start INTEGER := 1;
      a_types relationship_type[] := ARRAY[NULL::relationship_type]; a_confidences DOUBLE PRECISION[] := ARRAY[1.0];
      b_ids AGENT_ID[]; b_parents INTEGER[] := ARRAY[0]; b_start INTEGER := 1;
      b_types relationship_type[] := ARRAY[NULL::relationship_type]; b_confidences DOUBLE PRECISION[] := ARRAY[1.0];
      from_source BOOLEAN;
      level_ids AGENT_ID[]; level_confidences DOUBLE PRECISION[]; seen_ids AGENT_ID[]; level_start INTEGER;
      found_ids AGENT_ID[]; found_parents INTEGER[]; found_types relationship_type[]; found_confidences DOUBLE PRECISION[];
      a_place INTEGER;
      b_place INTEGER;
      product DOUBLE PRECISION;
    BEGIN
      BEGIN
        a_ids := ARRAY[source_agent_id::AGENT_ID];
        b_ids := ARRAY[target_agent_id::AGENT_ID];
      EXCEPTION WHEN invalid_text_representation THEN
        RETURN;
      END;
      SELECT a.tenant_id INTO home
      FROM agent_profiles a JOIN agent_profiles b ON b.tenant_id = a.tenant_id AND b.id = b_ids[1]
      WHERE a.id = a_ids[1] AND (a.tenant_id = this_tenant OR a.tenant_id = ANY (tenants_sharing_with_me()))
      ORDER BY a.tenant_id = this_tenant DESC, a.tenant_id
      LIMIT 1;
      IF NOT FOUND THEN
        RETURN;
      END IF;
      IF a_ids = b_ids THEN
        RETURN QUERY SELECT 0, ARRAY[]::relationship_type[], ARRAY[source_agent_id], 1.0::NUMERIC;
        RETURN;
      END IF;

      FOR hop IN 1 .. max_hops LOOP
        from_source := cardinality(a_ids) - a_start <= cardinality(b_ids) - b_start;
        IF from_source THEN
          level_ids := a_ids[a_start:]; level_confidences := a_confidences[a_start:]; seen_ids := a_ids; level_start := a_start;
        ELSE
          level_ids := b_ids[b_start:]; level_confidences := b_confidences[b_start:]; seen_ids := b_ids; level_start := b_start;
        END IF;

        -- A directed relationship is walked from source to target: along it from the one end, against it from the other.
        SELECT array_agg(best.id), array_agg(best.parent), array_agg(best.type), array_agg(best.confidence)
        INTO found_ids, found_parents, found_types, found_confidences
        FROM (
          SELECT DISTINCT ON (edge.id) edge.id, (level_start - 1 + edge.place)::INTEGER AS parent, edge.type, edge.confidence
          FROM (
            SELECT r.target_agent_id AS id, frontier.place, r.type, frontier.confidence * r.confidence AS confidence
            FROM unnest(level_ids, level_confidences) WITH ORDINALITY AS frontier (id, confidence, place)
            JOIN agent_relationships r ON r.source_agent_id = frontier.id
            WHERE r.tenant_id = home AND (from_source OR NOT r.is_directional)
            UNION ALL
            SELECT r.source_agent_id, frontier.place, r.type, frontier.confidence * r.confidence
            FROM unnest(level_ids, level_confidences) WITH ORDINALITY AS frontier (id, confidence, place)
            JOIN agent_relationships r ON r.target_agent_id = frontier.id
            WHERE r.tenant_id = home AND (NOT from_source OR NOT r.is_directional)
          ) AS edge
          WHERE NOT EXISTS (SELECT FROM unnest(seen_ids) AS seen (id) WHERE seen.id = edge.id)
          ORDER BY edge.id, edge.confidence DESC, edge.place, edge.type
        ) AS best;
        IF found_ids IS NULL THEN
          RETURN;
        END IF;

        IF from_source THEN
          a_start := cardinality(a_ids) + 1;
          a_ids := a_ids || found_ids; a_parents := a_parents || found_parents;
          a_types := a_types || found_types; a_confidences := a_confidences || found_confidences;
        ELSE
          b_start := cardinality(b_ids) + 1;
          b_ids := b_ids || found_ids; b_parents := b_parents || found_parents;
          b_types := b_types || found_types; b_confidences := b_confidences || found_confidences;
        END IF;

        -- Where the two outermost levels meet, the path is as short as can be.
        SELECT a_start - 1 + a.place, b_start - 1 + b.place, a.confidence * b.confidence
        INTO a_place, b_place, product
        FROM unnest(a_ids[a_start:], a_confidences[a_start:]) WITH ORDINALITY AS a (id, confidence, place)
        JOIN unnest(b_ids[b_start:], b_confidences[b_start:]) WITH ORDINALITY AS b (id, confidence, place) ON b.id = a.id
        ORDER BY 3 DESC, a.id
        LIMIT 1;
        IF FOUND THEN
          path_length := hop;
          total_confidence := round(product::NUMERIC, 6);
          agent_path := ARRAY[a_ids[a_place]::TEXT];
          relationship_path := ARRAY[]::relationship_type[];
          WHILE a_parents[a_place] > 0 LOOP
            relationship_path := a_types[a_place] || relationship_path;
            a_place := a_parents[a_place];
            agent_path := a_ids[a_place]::TEXT || agent_path;
          END LOOP;
          WHILE b_parents[b_place] > 0 LOOP
            relationship_path := relationship_path || b_types[b_place];
            b_place := b_parents[b_place];
            agent_path := agent_path || b_ids[b_place]::TEXT;
          END LOOP;
          RETURN NEXT;
          RETURN;
        END IF;
      END LOOP;
    END;
    $body$
  $create$, 'AGENT_ID', agent_id_type);
END;
$migration$;

-- Degree, its share of the possible, and ways through (in times out) as a cheap estimate of betweenness; of the
-- current tenant's own graph.
CREATE FUNCTION compute_agent_centrality() RETURNS TABLE (
  agent_id TEXT, degree_centrality NUMERIC, betweenness_estimate NUMERIC, connection_count INTEGER
)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH degrees AS (
    SELECT e.id, sum(e.outgoing) AS outgoing, sum(e.incoming) AS incoming
    FROM (
      SELECT r.source_agent_id AS id, count(*) AS outgoing, 0 AS incoming FROM agent_relationships r
      WHERE r.tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')) GROUP BY 1
      UNION ALL
      SELECT r.target_agent_id, 0, count(*) FROM agent_relationships r
      WHERE r.tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')) GROUP BY 1
    ) AS e
    GROUP BY e.id
  )
  SELECT
    a.id::TEXT,
    COALESCE(d.outgoing + d.incoming, 0) / NULLIF(count(*) OVER () - 1, 0),
    COALESCE(d.outgoing * d.incoming, 0),
    COALESCE(d.outgoing + d.incoming, 0)::INTEGER
  FROM agent_profiles a
  LEFT JOIN degrees d ON d.id = a.id
  WHERE a.tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), ''))
  ORDER BY 4 DESC, 1
$$;

-- sluice: step "create the search functions"
-- Whom the caller may read: its own tenant, and those that share with it. Naming another tenant finds nothing and is
-- recorded. Internal: functions that run as the owner rely on it instead of row security.
CREATE FUNCTION searchable_tenants(asked_tenant TEXT, caller TEXT) RETURNS TEXT[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  readable TEXT[] := array_remove(
    NULLIF(current_setting('app.current_tenant', true), '') || COALESCE(tenants_sharing_with_me(), ARRAY[]::TEXT[]), NULL);
BEGIN
  IF asked_tenant IS NULL THEN
    RETURN readable;
  ELSIF asked_tenant = ANY (readable) THEN
    RETURN ARRAY[asked_tenant];
  END IF;
  PERFORM note_cross_tenant_attempt(asked_tenant, 'denied', caller);
  RETURN ARRAY[]::TEXT[];
END;
$$;

-- An HNSW index finds the nearest of all tenants, so a small tenant's rows are seldom among them, and those of a tenant
-- whose embeddings lie far from the question never. Hence two ways. Where the tenants have few rows, each is compared:
-- exact, and fast enough. Where they have many, the index names candidates, the nearest of everybody first, until enough
-- of them are the tenants' own. It goes on (pgvector 0.8) for a fixed number of candidates. pgvector's own limits end a
-- scan without a word, with the nearest left out: here they are out of the way. Where the candidates hold too few of the
-- tenants' rows, each row is compared after all. So the wanted number of rows comes, or all that there are.
--
-- "looked_at_all": true where every row was compared, so that no nearer one is missing. False where the index chose: it
-- finds about 99 of 100 of the nearest. It is true of the search if it is true of one row. To a tenant with many rows it
-- also says that others have rows near the question; not who, and not which.
--
-- A vector of zeros has no direction: nothing is near to it, and it is near to nothing.
-- Compiling such short queries (jit) would take longer than running them.
-- Internal: it reads any relation, for any tenants. It may give a row twice, and more rows than are wanted.
-- The last two arguments are for checks, which have few rows: up to how many rows of the tenants are "few", and how many
-- candidates are looked at (about as many as take as long as comparing 15,000 rows).
CREATE FUNCTION nearest_rows(
  relation REGCLASS, target_embedding vector, tenants TEXT[], condition TEXT, max_results INTEGER,
  few INTEGER DEFAULT 5000, candidates INTEGER DEFAULT 1200
) RETURNS TABLE (id TEXT, entity_type TEXT, tenant_id TEXT, distance DOUBLE PRECISION, looked_at_all BOOLEAN)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET jit = off AS $$
DECLARE
  -- The most that an index scan can keep at a time. Who wants more rows is better served by comparing all.
  most CONSTANT INTEGER := 1000;
  -- Candidates that the scan keeps: with fewer it misses more than one in a hundred of the ten nearest.
  effort CONSTANT INTEGER := LEAST(GREATEST(300, 4 * LEAST(max_results, most)), most);
  type_column TEXT := CASE WHEN relation = 'hybrid_search_materialized'::REGCLASS THEN 't.entity_type::TEXT' ELSE 'NULL' END;
  many BOOLEAN;
  found INTEGER;
  before JSONB;
BEGIN
  -- The norm is asked in any case: pgvector's settings are there once it is loaded, and a value that came from a table
  -- has not loaded it.
  IF target_embedding IS NULL OR vector_norm(target_embedding) = 0 OR cardinality(tenants) = 0 OR max_results <= 0 THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE t.tenant_id = ANY ($1) OFFSET %s)', relation, few)
    INTO many USING tenants;

  IF many AND max_results <= most THEN
    -- Of these, settings that an older pgvector does not have are null, and stay away.
    SELECT jsonb_object_agg(s.name, current_setting(s.name, true)) INTO before
    FROM unnest(ARRAY['enable_sort', 'hnsw.ef_search', 'hnsw.iterative_scan', 'hnsw.max_scan_tuples', 'hnsw.scan_mem_multiplier'])
      AS s (name)
    WHERE current_setting(s.name, true) IS NOT NULL;
    -- Without sorting, only the index can give the order, whatever the planner thinks of its price.
    PERFORM set_config(s.name, s.value, true)
    FROM (VALUES ('enable_sort', 'off'), ('hnsw.ef_search', effort::TEXT), ('hnsw.iterative_scan', 'relaxed_order'),
      ('hnsw.max_scan_tuples', '2147483647'), ('hnsw.scan_mem_multiplier', '1000')) AS s (name, value)
    WHERE before ? s.name;
    -- The sub-select is what is looked at, whosever it is. Going on, the scan may bring a nearer one a little later:
    -- hence twice as many as are wanted.
    RETURN QUERY EXECUTE format($sql$
      SELECT t.id::TEXT, %2$s, t.tenant_id::TEXT, t.distance, false
      FROM (
        SELECT candidate.*, candidate.embedding <=> $1 AS distance
        FROM %1$s candidate
        WHERE candidate.embedding IS NOT NULL
        ORDER BY candidate.embedding <=> $1
        LIMIT $4
      ) AS t
      WHERE t.tenant_id = ANY ($2) AND t.distance <> 'NaN' AND (%3$s)
      LIMIT $3
      $sql$, relation, type_column, condition) USING target_embedding, tenants, 2 * max_results, candidates;
    GET DIAGNOSTICS found = ROW_COUNT;
    PERFORM set_config(s.key, s.value, true) FROM jsonb_each_text(before) AS s;
    IF found >= max_results THEN
      RETURN;
    END IF;
  END IF;

  -- OFFSET 0 keeps the planner from asking the index for the order, since what that finds is not exact.
  RETURN QUERY EXECUTE format($sql$
    SELECT own.id::TEXT, own.entity_type, own.tenant_id::TEXT, own.distance, true
    FROM (
      SELECT t.id, %2$s AS entity_type, t.tenant_id, t.embedding <=> $1 AS distance
      FROM %1$s t
      WHERE t.embedding IS NOT NULL AND t.tenant_id = ANY ($2) AND (%3$s)
      OFFSET 0
    ) AS own
    WHERE own.distance <> 'NaN'
    ORDER BY own.distance, own.id
    LIMIT $3
    $sql$, relation, type_column, condition) USING target_embedding, tenants, max_results;
END;
$$;

CREATE FUNCTION find_similar_capabilities(
  target_embedding vector,
  p_tenant_id VARCHAR DEFAULT NULL,
  max_results INTEGER DEFAULT 10,
  min_confidence NUMERIC DEFAULT 0.7
) RETURNS TABLE (
  capability_id UUID, capability_name VARCHAR, agent_id TEXT, similarity_score NUMERIC, confidence NUMERIC,
  looked_at_all BOOLEAN
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  readable TEXT[] := searchable_tenants(p_tenant_id, 'find_similar_capabilities');
BEGIN
  RETURN QUERY
  SELECT c.id, c.capability_name, c.agent_id::TEXT, (1 - near.distance)::NUMERIC(5, 4), c.confidence, near.looked_at_all
  FROM (
    SELECT n.id, n.tenant_id, min(n.distance) AS distance, bool_or(bool_or(n.looked_at_all)) OVER () AS looked_at_all
    FROM nearest_rows('agent_capabilities_graph', target_embedding, readable,
      format('t.confidence >= %L', min_confidence), max_results) n
    GROUP BY n.id, n.tenant_id
  ) AS near
  JOIN agent_capabilities_graph c ON c.id = near.id::UUID AND c.tenant_id = near.tenant_id
  ORDER BY near.distance, c.id
  LIMIT max_results;
END;
$$;

CREATE FUNCTION find_similar_caws_verdicts(
  target_embedding vector,
  verdict_type VARCHAR DEFAULT NULL,
  max_results INTEGER DEFAULT 10
) RETURNS TABLE (
  verdict_id UUID, entity_id VARCHAR, entity_type VARCHAR, similarity_score NUMERIC, constitutional_refs TEXT[],
  created_at TIMESTAMPTZ, looked_at_all BOOLEAN
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  -- Provenance is not shared between tenants.
  readable TEXT[] := array_remove(ARRAY[NULLIF(current_setting('app.current_tenant', true), '')], NULL);
BEGIN
  RETURN QUERY
  SELECT p.id, p.entity_id, p.entity_type, (1 - near.distance)::NUMERIC(5, 4), p.constitutional_refs, p.created_at,
    near.looked_at_all
  FROM (
    SELECT n.id, n.tenant_id, min(n.distance) AS distance, bool_or(bool_or(n.looked_at_all)) OVER () AS looked_at_all
    FROM nearest_rows('caws_provenance_graph', target_embedding, readable,
      format('%1$L IS NULL OR t.entity_type = %1$L', verdict_type), max_results) n
    GROUP BY n.id, n.tenant_id
  ) AS near
  JOIN caws_provenance_graph p ON p.id = near.id::UUID AND p.tenant_id = near.tenant_id
  ORDER BY near.distance, p.id
  LIMIT max_results;
END;
$$;

-- By meaning (embedding), by words (query_text) and by acquaintance: capabilities of agents that the best hits' agents
-- are related to, within include_graph_hops, each at the distance really walked. Each entity appears once, with its
-- best score; one found by meaning and by words scores above either. What points away from the question scores nothing,
-- the nearest of it first. Of the tenants that share with the caller it finds agents and capabilities: provenance is not
-- shared. "looked_at_all" says whether the search by meaning compared every row that the last refresh found, as
-- nearest_rows has it; the search by words always does.
CREATE FUNCTION hybrid_search(
  query_embedding vector,
  query_text TEXT DEFAULT NULL,
  max_results INTEGER DEFAULT 10,
  include_graph_hops INTEGER DEFAULT 2,
  entity_types VARCHAR[] DEFAULT NULL,
  p_tenant_id VARCHAR DEFAULT NULL,
  min_confidence NUMERIC DEFAULT 0.5
) RETURNS TABLE (
  entity_id TEXT, entity_type VARCHAR, name VARCHAR, relevance_score NUMERIC, source VARCHAR, hop_distance INTEGER,
  parent_id TEXT, looked_at_all BOOLEAN
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  readable TEXT[] := searchable_tenants(p_tenant_id, 'hybrid_search');
  this_tenant TEXT := NULLIF(current_setting('app.current_tenant', true), '');
  words TSQUERY := websearch_to_tsquery('english', COALESCE(query_text, ''));
  seeds CONSTANT INTEGER := 5;
  acquaintances CONSTANT INTEGER := 200;
BEGIN
  IF cardinality(readable) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH by_meaning AS (
    SELECT n.id, n.entity_type, n.tenant_id, min(n.distance) AS distance, GREATEST(1 - min(n.distance), 0) AS score,
      bool_or(n.looked_at_all) AS looked_at_all
    FROM nearest_rows('hybrid_search_materialized', query_embedding, readable,
      format('(t.confidence IS NULL OR t.confidence >= %L) AND (%2$L::VARCHAR[] IS NULL OR t.entity_type = ANY (%2$L::VARCHAR[]))
        AND (t.entity_type <> ''caws_provenance'' OR t.tenant_id = %3$L)',
        min_confidence, entity_types, this_tenant), max_results) n
    GROUP BY n.id, n.entity_type, n.tenant_id
  ), by_words AS (
    SELECT m.id, m.entity_type::TEXT, m.tenant_id, ts_rank_cd(to_tsvector('english', m.name), words, 32)::DOUBLE PRECISION AS score
    FROM hybrid_search_materialized m
    WHERE numnode(words) > 0 AND to_tsvector('english', m.name) @@ words AND m.tenant_id = ANY (readable)
      AND (m.entity_type <> 'caws_provenance' OR m.tenant_id = this_tenant)
      AND (m.confidence IS NULL OR m.confidence >= min_confidence)
      AND (entity_types IS NULL OR m.entity_type = ANY (entity_types))
    ORDER BY score DESC, m.id
    LIMIT max_results
  ), direct AS (
    SELECT
      m.id, m.entity_type, m.name, m.parent_id, m.tenant_id,
      v.distance, 1 - (1 - COALESCE(v.score, 0)) * (1 - COALESCE(w.score, 0)) AS score,
      CASE WHEN v.id IS NULL THEN 'text' WHEN w.id IS NULL THEN 'vector' ELSE 'hybrid' END AS source
    FROM by_meaning v
    FULL JOIN by_words w ON w.id = v.id AND w.entity_type = v.entity_type AND w.tenant_id = v.tenant_id
    JOIN hybrid_search_materialized m
      ON m.id = COALESCE(v.id, w.id) AND m.entity_type = COALESCE(v.entity_type, w.entity_type)
      AND m.tenant_id = COALESCE(v.tenant_id, w.tenant_id)
  ), seed AS (
    SELECT d.agent_id, max(d.score) AS score
    FROM (
      SELECT CASE d.entity_type WHEN 'agent' THEN d.id ELSE d.parent_id END AS agent_id, d.score, d.distance
      FROM direct d
      WHERE d.entity_type IN ('agent', 'agent_capability')
    ) AS d
    WHERE include_graph_hops > 0
    GROUP BY d.agent_id
    ORDER BY 2 DESC, min(d.distance), 1
    LIMIT seeds
  ), related AS (
    SELECT t.agent_id, s.score * t.cumulative_confidence / (t.hop_distance + 1) AS score, t.hop_distance
    FROM seed s
    CROSS JOIN LATERAL traverse_agent_relationships(s.agent_id, include_graph_hops, min_confidence, NULL, acquaintances) t
  ), by_graph AS (
    SELECT m.id, m.entity_type, m.name, m.parent_id, m.tenant_id, NULL::DOUBLE PRECISION AS distance, r.score,
      'graph' AS source, r.hop_distance
    FROM related r
    JOIN hybrid_search_materialized m ON m.parent_id = r.agent_id
    WHERE m.entity_type = 'agent_capability' AND m.tenant_id = ANY (readable)
      AND (m.confidence IS NULL OR m.confidence >= min_confidence)
      AND (entity_types IS NULL OR m.entity_type = ANY (entity_types))
  ), best AS (
    SELECT DISTINCT ON (f.entity_type, f.id, f.tenant_id) f.*
    FROM (
      SELECT d.*, 0 AS hop_distance FROM direct d
      UNION ALL
      SELECT * FROM by_graph
    ) AS f
    ORDER BY f.entity_type, f.id, f.tenant_id, f.score DESC, f.hop_distance
  )
  SELECT b.id, b.entity_type, b.name, b.score::NUMERIC(5, 4), b.source::VARCHAR, b.hop_distance, b.parent_id,
    COALESCE((SELECT bool_or(v.looked_at_all) FROM by_meaning v), true)
  FROM best b
  ORDER BY b.score DESC, b.hop_distance, b.distance, b.id
  LIMIT max_results;
END;
$$;

-- sluice: step "index the materialized view by parent"
-- For the way from an agent to its capabilities.
CREATE INDEX idx_hybrid_search_parent ON hybrid_search_materialized (parent_id);

-- sluice: step "create graph_search_sessions"
CREATE TABLE graph_search_sessions (
  id UUID NOT NULL DEFAULT gen_random_uuid(),
  query_text TEXT,
  query_hash VARCHAR(64) NOT NULL,
  search_type VARCHAR(20) NOT NULL CHECK (search_type IN ('vector', 'graph', 'hybrid', 'text')),
  max_results INTEGER DEFAULT 10,
  max_hops INTEGER DEFAULT 2,
  min_confidence NUMERIC(3, 2) DEFAULT 0.5,
  entity_type_filters VARCHAR(50)[],
  result_count INTEGER NOT NULL DEFAULT 0,
  execution_time_ms INTEGER NOT NULL,
  vector_search_time_ms INTEGER,
  graph_traversal_time_ms INTEGER,
  nodes_visited INTEGER DEFAULT 0,
  edges_traversed INTEGER DEFAULT 0,
  max_hops_reached INTEGER DEFAULT 0,
  tenant_id VARCHAR(255) NOT NULL DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')
    CONSTRAINT fk_search_sessions_tenant REFERENCES tenants (id) ON DELETE RESTRICT,
  user_id VARCHAR(100),
  session_id VARCHAR(100),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  metadata JSONB DEFAULT '{}',
  CONSTRAINT graph_search_sessions_pkey PRIMARY KEY (id, tenant_id)
);
CREATE INDEX idx_search_sessions_query_hash ON graph_search_sessions (query_hash);
CREATE INDEX idx_search_sessions_tenant ON graph_search_sessions (tenant_id);
CREATE INDEX idx_search_sessions_created ON graph_search_sessions (created_at DESC);
CREATE INDEX idx_search_sessions_type ON graph_search_sessions (search_type);
CREATE INDEX idx_search_sessions_execution_time ON graph_search_sessions (execution_time_ms);
COMMENT ON TABLE graph_search_sessions IS 'What was searched and how long it took';

CREATE POLICY tenant_session_isolation ON graph_search_sessions
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('graph_search_sessions'); END; $$;
ALTER TABLE graph_search_sessions ENABLE ROW LEVEL SECURITY;

-- With the caller's rights: a session can be logged for the caller's own tenant only. The id is made beforehand, since
-- RETURNING needs the right to see the row, which a caller without a tenant has not.
CREATE FUNCTION log_search_session(
  p_query_text TEXT,
  p_search_type VARCHAR,
  p_result_count INTEGER,
  p_execution_time_ms INTEGER,
  p_tenant_id VARCHAR DEFAULT NULL,
  p_metadata JSONB DEFAULT '{}'
) RETURNS UUID
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  new_id UUID := gen_random_uuid();
BEGIN
  INSERT INTO graph_search_sessions
    (id, query_text, query_hash, search_type, result_count, execution_time_ms, tenant_id, metadata)
  VALUES (
    new_id, p_query_text, encode(sha256(convert_to(COALESCE(p_query_text, ''), 'UTF8')), 'hex'), p_search_type,
    p_result_count, p_execution_time_ms,
    COALESCE(p_tenant_id, NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant'), p_metadata);
  RETURN new_id;
END;
$$;

-- sluice: step "create the analytics views"
CREATE VIEW slow_search_queries WITH (security_invoker = true) AS
SELECT
  s.query_text, s.search_type,
  avg(s.execution_time_ms) AS avg_time_ms, count(*) AS frequency, avg(s.result_count) AS avg_results,
  max(s.execution_time_ms) AS max_time_ms, min(s.created_at) AS first_seen, max(s.created_at) AS last_seen
FROM graph_search_sessions s
WHERE s.created_at > now() - INTERVAL '7 days'
GROUP BY s.query_text, s.search_type
HAVING avg(s.execution_time_ms) > 200
ORDER BY avg_time_ms DESC;

CREATE VIEW popular_search_queries WITH (security_invoker = true) AS
SELECT
  s.query_hash, s.query_text, s.search_type,
  count(*) AS frequency, avg(s.execution_time_ms) AS avg_time_ms, avg(s.result_count) AS avg_results
FROM graph_search_sessions s
WHERE s.created_at > now() - INTERVAL '30 days'
GROUP BY s.query_hash, s.query_text, s.search_type
HAVING count(*) > 5
ORDER BY frequency DESC
LIMIT 100;

CREATE VIEW search_performance_by_type WITH (security_invoker = true) AS
SELECT
  s.search_type,
  count(*) AS total_searches,
  avg(s.execution_time_ms) AS avg_time_ms,
  percentile_cont(0.50) WITHIN GROUP (ORDER BY s.execution_time_ms) AS p50_time_ms,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY s.execution_time_ms) AS p95_time_ms,
  percentile_cont(0.99) WITHIN GROUP (ORDER BY s.execution_time_ms) AS p99_time_ms,
  avg(s.result_count) AS avg_results
FROM graph_search_sessions s
WHERE s.created_at > now() - INTERVAL '7 days'
GROUP BY s.search_type;

-- sluice: step "give the application its rights"
-- As on agent_profiles. The materialized view, and the functions that others are built on, are for nobody.
DO $grants$
DECLARE
  relations CONSTANT TEXT[] := ARRAY[
    'hybrid_search_undo', 'hybrid_search_index', 'hybrid_search_materialized', 'graph_search_sessions',
    'slow_search_queries', 'popular_search_queries', 'search_performance_by_type'];
  functions CONSTANT TEXT[] := ARRAY[
    'refresh_hybrid_search_index', 'traverse_agent_relationships', 'find_agent_path', 'compute_agent_centrality',
    'searchable_tenants', 'nearest_rows', 'find_similar_capabilities', 'find_similar_caws_verdicts', 'hybrid_search',
    'log_search_session'];
  holder RECORD;
BEGIN
  FOR holder IN
    SELECT c.relname::TEXT AS object, COALESCE(quote_ident(r.rolname), 'PUBLIC') AS grantee
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = ANY (relations::REGCLASS[]) AND a.grantee <> c.relowner
    UNION
    SELECT 'FUNCTION ' || p.oid::REGPROCEDURE, COALESCE(quote_ident(r.rolname), 'PUBLIC')
    FROM pg_proc p
    CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE p.proname = ANY (functions) AND p.pronamespace = 'public'::REGNAMESPACE AND a.grantee <> p.proowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', holder.object, holder.grantee);
  END LOOP;

  FOR holder IN
    SELECT quote_ident(r.rolname) AS grantee, a.privilege_type
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'agent_profiles'::REGCLASS AND a.grantee <> c.relowner
      AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON graph_search_sessions TO %s', holder.privilege_type, holder.grantee);
    IF holder.privilege_type = 'SELECT' THEN
      EXECUTE format('GRANT SELECT ON hybrid_search_index, slow_search_queries, popular_search_queries,
        search_performance_by_type TO %s', holder.grantee);
      EXECUTE format('GRANT EXECUTE ON FUNCTION
        traverse_agent_relationships(TEXT, INTEGER, NUMERIC, relationship_type[], INTEGER),
        find_agent_path(TEXT, TEXT, INTEGER),
        compute_agent_centrality(),
        find_similar_capabilities(vector, VARCHAR, INTEGER, NUMERIC),
        find_similar_caws_verdicts(vector, VARCHAR, INTEGER),
        hybrid_search(vector, TEXT, INTEGER, INTEGER, VARCHAR[], VARCHAR, NUMERIC)
        TO %s', holder.grantee);
    ELSIF holder.privilege_type = 'INSERT' THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION log_search_session(TEXT, VARCHAR, INTEGER, INTEGER, VARCHAR, JSONB),
        refresh_hybrid_search_index() TO %s', holder.grantee);
    END IF;
  END LOOP;
END;
$grants$;
