-- 006: the knowledge graph. Agents' capabilities and relationships with embeddings, and the CAWS provenance chain.
--
-- Of extensions it needs pgvector only: SHA-256 and random UUIDs are built into PostgreSQL.
-- Computing embeddings takes hours. An application may do so before the migration, and leave them in the tables
-- prepared_capabilities and prepared_relationships. Then they are copied into the graph, and indexed. The prepared tables
-- stay as they are, so a rollback loses nothing. Without these tables the graph begins empty.
--
-- Everything here is new, so nothing waits for a lock, however long an index takes to build; hence:
-- squawk-ignore-file require-concurrent-index-creation

-- sluice: step "look whether its names are free, and what it needs is where it looks"
-- The rollback drops by name, so what it drops must be this migration's own.
DO $$
DECLARE
  taken TEXT := (
    SELECT string_agg(n.name, ', ' ORDER BY n.place)
    FROM unnest(ARRAY[
      'knowledge_graph_undo', 'agent_capabilities_graph', 'agent_relationships', 'caws_provenance_graph',
      'entity_chunk_mappings', 'agent_capability_summary', 'agent_relationship_summary', 'agent_connectivity',
      'caws_provenance_chains', 'entity_type', 'relationship_type',
      'normalize_entity_name(text)', 'capability_search_vector(text, text[])',
      'compute_provenance_hash(varchar, varchar, varchar, jsonb)', 'set_canonical_name()', 'update_last_updated_column()',
      'prevent_duplicate_relationships()', 'update_relationship_timestamp()', 'chain_provenance()', 'protect_provenance()'
    ]) WITH ORDINALITY AS n (name, place)
    WHERE CASE WHEN n.name LIKE '%)' THEN to_regprocedure(n.name) IS NOT NULL
      ELSE to_regclass(n.name) IS NOT NULL OR to_regtype(n.name) IS NOT NULL END);
BEGIN
  IF taken IS NOT NULL THEN
    RAISE EXCEPTION 'these are there already, and migration 006 would create them: %', taken
      USING ERRCODE = 'duplicate_object', HINT = 'Nothing was changed. Rename or drop what is in the way.';
  ELSIF to_regclass('public.agent_profiles') IS NULL THEN
    RAISE EXCEPTION 'there is no table public.agent_profiles' USING ERRCODE = 'undefined_table',
      HINT = 'Nothing was changed. Is this the database of version 005?';
  ELSIF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'vector' AND e.extnamespace <> 'public'::REGNAMESPACE) THEN
    RAISE EXCEPTION 'pgvector is not in schema public, where the functions of these migrations look for it'
      USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'Nothing was changed. As its owner: ALTER EXTENSION vector SET SCHEMA public.';
  END IF;
END;
$$;

-- sluice: step "note what was there, install pgvector where it is missing"
-- The rollback undoes what was done after this note, and drops the extension only if this migration brought it. Only a
-- superuser (RDS: the master) can create it.
CREATE TABLE knowledge_graph_undo (
  object TEXT PRIMARY KEY,
  note TEXT NOT NULL
);
COMMENT ON TABLE knowledge_graph_undo IS 'What the rollback of migration 006 must know. Dropped by it.';
REVOKE ALL ON knowledge_graph_undo FROM PUBLIC;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
    CREATE EXTENSION vector;
    INSERT INTO knowledge_graph_undo VALUES ('extension vector', 'installed by migration 006');
  END IF;
END;
$$;

-- sluice: step "create the enums"
CREATE TYPE entity_type AS ENUM (
  'CAPABILITY', 'AGENT', 'TASK', 'VERDICT', 'TECHNOLOGY', 'CONCEPT', 'WAIVER', 'GATE'
);
CREATE TYPE relationship_type AS ENUM (
  'COLLABORATES_WITH', 'SIMILAR_TO', 'DERIVED_FROM', 'VALIDATES', 'DEPENDS_ON',
  'COMPETES_WITH', 'INFLUENCES', 'REPLACES', 'ENHANCES'
);

-- sluice: step "create the functions that tables and triggers use"
-- Pure functions: they read no table, so everybody may call them.
CREATE FUNCTION normalize_entity_name(input_name TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(btrim(regexp_replace(input_name, '\s+', ' ', 'g')));

-- array_to_string is STABLE for the sake of types whose output depends on settings. Text does not, so for text
-- this is immutable, as a generated column must be.
CREATE FUNCTION capability_search_vector(name TEXT, aliases TEXT[]) RETURNS TSVECTOR
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', coalesce(name, '')), 'A')
    OPERATOR(pg_catalog.||)
    pg_catalog.setweight(
      pg_catalog.to_tsvector('pg_catalog.english', coalesce(pg_catalog.array_to_string(aliases, ' '), '')), 'B')
$$;

-- Each field is preceded by its length, so that ('gate', '1x') and ('gate1', 'x') do not hash alike; an absent field
-- is '-', so that NULL neither erases the hash nor equals an empty one.
CREATE FUNCTION compute_provenance_hash(
  parent_hash VARCHAR, entity_type VARCHAR, entity_id VARCHAR, metadata JSONB
) RETURNS VARCHAR
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(sha256(convert_to(
    string_agg(coalesce(octet_length(field) || ':' || field, '-'), ',' ORDER BY position), 'UTF8')), 'hex')
  FROM unnest(ARRAY[parent_hash, entity_type, entity_id, metadata::text]) WITH ORDINALITY AS fields (field, position)
$$;

-- sluice: step "create agent_capabilities_graph"
-- Agent ids have the type of agent_profiles.id, whatever it is in this database.
DO $migration$
DECLARE
  agent_id_type TEXT := (
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = 'agent_profiles'::regclass AND attname = 'id'
  );
BEGIN
  EXECUTE format($sql$
    CREATE TABLE agent_capabilities_graph (
      id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
      agent_id %1$s NOT NULL
        CONSTRAINT agent_capabilities_graph_agent_id_fkey REFERENCES agent_profiles (id) ON DELETE CASCADE,
      capability_type entity_type NOT NULL DEFAULT 'CAPABILITY',
      capability_name VARCHAR(500) NOT NULL,
      canonical_name VARCHAR(500) NOT NULL,
      aliases TEXT[] DEFAULT '{}',
      confidence NUMERIC(3, 2) NOT NULL CHECK (confidence BETWEEN 0.7 AND 1.0),
      extraction_confidence NUMERIC(3, 2) NOT NULL CHECK (extraction_confidence BETWEEN 0.0 AND 1.0),
      validation_status VARCHAR(20) DEFAULT 'unvalidated'
        CHECK (validation_status IN ('validated', 'unvalidated', 'rejected')),
      embedding vector(768),
      source_tasks UUID[] DEFAULT '{}',
      demonstration_count INTEGER DEFAULT 1 CHECK (demonstration_count > 0),
      success_rate NUMERIC(4, 3) DEFAULT 1.0 CHECK (success_rate BETWEEN 0.0 AND 1.0),
      search_vector TSVECTOR GENERATED ALWAYS AS (capability_search_vector(capability_name, aliases)) STORED,
      first_observed TIMESTAMPTZ NOT NULL DEFAULT now(),
      last_updated TIMESTAMPTZ NOT NULL DEFAULT now(),
      last_demonstrated TIMESTAMPTZ NOT NULL DEFAULT now(),
      metadata JSONB DEFAULT '{}',
      CONSTRAINT non_empty_name CHECK (length(btrim(capability_name)) > 0),
      CONSTRAINT non_empty_canonical CHECK (length(btrim(canonical_name)) > 0),
      -- Not unique_agent_capability: agent_capabilities of version 001 has a constraint of that name.
      CONSTRAINT unique_agent_capability_graph UNIQUE (agent_id, canonical_name)
    ) WITH (toast_tuple_target = 4080)
  $sql$, agent_id_type);
END;
$migration$;
-- An embedding stays in its row, two rows to a page, and what else is long moves out only from a row of more than half
-- a page: comparing a tenant's embeddings one by one then takes a fifth of the time that fetching them from elsewhere does.
ALTER TABLE agent_capabilities_graph ALTER COLUMN embedding SET STORAGE PLAIN;

COMMENT ON TABLE agent_capabilities_graph IS 'What agents can do, with embeddings for semantic search';

CREATE FUNCTION set_canonical_name() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.canonical_name = normalize_entity_name(NEW.capability_name);
  RETURN NEW;
END;
$$;

CREATE FUNCTION update_last_updated_column() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.last_updated = now();
  RETURN NEW;
END;
$$;

CREATE TRIGGER set_capability_canonical_name BEFORE INSERT OR UPDATE ON agent_capabilities_graph
  FOR EACH ROW EXECUTE FUNCTION set_canonical_name();
CREATE TRIGGER update_capabilities_last_updated BEFORE UPDATE ON agent_capabilities_graph
  FOR EACH ROW EXECUTE FUNCTION update_last_updated_column();

-- sluice: step "copy the prepared capabilities"
-- As real[], since pgvector may be missing until this migration.
DO $$
BEGIN
  IF to_regclass('public.prepared_capabilities') IS NOT NULL THEN
    INSERT INTO agent_capabilities_graph (id, agent_id, capability_name, confidence, extraction_confidence, embedding)
    SELECT p.id, p.agent_id, p.capability_name, p.confidence, p.extraction_confidence, p.embedding::vector(768)
    FROM prepared_capabilities p;
  END IF;
END;
$$;

-- sluice: step "index agent_capabilities_graph"
-- After its rows: loading into an HNSW index takes several times as long.
CREATE INDEX idx_capabilities_agent ON agent_capabilities_graph (agent_id);
CREATE INDEX idx_capabilities_type ON agent_capabilities_graph (capability_type);
CREATE INDEX idx_capabilities_canonical ON agent_capabilities_graph (canonical_name);
CREATE INDEX idx_capabilities_confidence ON agent_capabilities_graph (confidence DESC);
CREATE INDEX idx_capabilities_search ON agent_capabilities_graph USING gin (search_vector);
CREATE INDEX idx_capabilities_last_updated ON agent_capabilities_graph (last_updated DESC);
CREATE INDEX idx_capabilities_embedding ON agent_capabilities_graph
  USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);

-- sluice: step "create agent_relationships"
DO $migration$
DECLARE
  agent_id_type TEXT := (
    SELECT format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = 'agent_profiles'::regclass AND attname = 'id'
  );
BEGIN
  EXECUTE format($sql$
    CREATE TABLE agent_relationships (
      id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
      source_agent_id %1$s NOT NULL
        CONSTRAINT agent_relationships_source_agent_id_fkey REFERENCES agent_profiles (id) ON DELETE CASCADE,
      target_agent_id %1$s NOT NULL
        CONSTRAINT agent_relationships_target_agent_id_fkey REFERENCES agent_profiles (id) ON DELETE CASCADE,
      type relationship_type NOT NULL,
      is_directional BOOLEAN NOT NULL DEFAULT false,
      confidence NUMERIC(3, 2) NOT NULL CHECK (confidence <= 1.0),
      strength NUMERIC(3, 2) NOT NULL DEFAULT 1.0 CHECK (strength BETWEEN 0.0 AND 1.0),
      cooccurrence_count INTEGER DEFAULT 1 CHECK (cooccurrence_count > 0),
      supporting_tasks UUID[] DEFAULT '{}',
      extraction_context TEXT,
      mutual_information NUMERIC(10, 6),
      pointwise_mutual_information NUMERIC(10, 6),
      created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      last_observed TIMESTAMPTZ NOT NULL DEFAULT now(),
      metadata JSONB DEFAULT '{}',
      CONSTRAINT no_self_relationships CHECK (source_agent_id <> target_agent_id),
      CONSTRAINT valid_confidence CHECK (confidence >= 0.5),
      CONSTRAINT unique_relationship UNIQUE (source_agent_id, target_agent_id, type)
    )
  $sql$, agent_id_type);
END;
$migration$;

-- The rule on duplicates. Between two agents and for one type, an undirected relationship takes both directions and a
-- directed one takes its own. These two indexes are the two directions, so they hold the rule under any concurrency,
-- which a trigger that looks first cannot.
CREATE UNIQUE INDEX unique_relationship_forward ON agent_relationships
  (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type)
  WHERE NOT is_directional OR source_agent_id < target_agent_id;
CREATE UNIQUE INDEX unique_relationship_backward ON agent_relationships
  (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type)
  WHERE NOT is_directional OR source_agent_id > target_agent_id;

CREATE INDEX idx_relationships_source ON agent_relationships (source_agent_id);
CREATE INDEX idx_relationships_target ON agent_relationships (target_agent_id);
CREATE INDEX idx_relationships_type ON agent_relationships (type);
CREATE INDEX idx_relationships_confidence ON agent_relationships (confidence DESC);
CREATE INDEX idx_relationships_created ON agent_relationships (created_at DESC);
COMMENT ON TABLE agent_relationships IS 'Typed relationships between agents';

-- The readable half of that rule: it says which relationship stands in the way when that one runs the other direction.
-- The same direction again is left to unique_relationship, so that ON CONFLICT works on it. Migration 007 adds tenants,
-- and two of them may have agents of the same ids: rows are compared as JSON, since there is no tenant_id here yet.
CREATE FUNCTION prevent_duplicate_relationships() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (
    SELECT FROM agent_relationships r
    WHERE r.source_agent_id = NEW.target_agent_id
      AND r.target_agent_id = NEW.source_agent_id
      AND r.type = NEW.type
      AND r.id <> NEW.id
      AND NOT (r.is_directional AND NEW.is_directional)
      AND to_jsonb(r) ->> 'tenant_id' IS NOT DISTINCT FROM to_jsonb(NEW) ->> 'tenant_id'
  ) THEN
    RAISE EXCEPTION 'agents % and % already have a relationship of type %, in the other direction',
      NEW.source_agent_id, NEW.target_agent_id, NEW.type
      USING ERRCODE = 'unique_violation', TABLE = 'agent_relationships', CONSTRAINT = 'unique_relationship';
  END IF;
  RETURN NEW;
END;
$$;

-- This table has updated_at where the others have last_updated.
CREATE FUNCTION update_relationship_timestamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END;
$$;

CREATE TRIGGER prevent_duplicate_relationships_trigger
  BEFORE INSERT OR UPDATE OF source_agent_id, target_agent_id, type, is_directional ON agent_relationships
  FOR EACH ROW EXECUTE FUNCTION prevent_duplicate_relationships();
CREATE TRIGGER update_relationships_last_updated BEFORE UPDATE ON agent_relationships
  FOR EACH ROW EXECUTE FUNCTION update_relationship_timestamp();

-- sluice: step "copy the prepared relationships"
DO $$
BEGIN
  IF to_regclass('public.prepared_relationships') IS NOT NULL THEN
    INSERT INTO agent_relationships (id, source_agent_id, target_agent_id, type, is_directional, confidence)
    SELECT p.id, p.source_agent_id, p.target_agent_id, p.type::relationship_type, p.is_directional, p.confidence
    FROM prepared_relationships p;
  END IF;
END;
$$;

-- sluice: step "create caws_provenance_graph"
CREATE TABLE caws_provenance_graph (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  entity_type VARCHAR(50) NOT NULL CHECK (entity_type IN ('verdict', 'waiver', 'gate', 'spec', 'budget', 'policy')),
  entity_id VARCHAR(255) NOT NULL,
  parent_entity_id UUID
    CONSTRAINT caws_provenance_graph_parent_entity_id_fkey REFERENCES caws_provenance_graph (id) ON DELETE RESTRICT,
  hash_chain VARCHAR(128) NOT NULL,
  signature VARCHAR(255) NOT NULL,
  constitutional_refs TEXT[] DEFAULT '{}',
  spec_hash VARCHAR(128),
  embedding vector(768),
  description TEXT,
  evidence_completeness NUMERIC(3, 2) CHECK (evidence_completeness BETWEEN 0.0 AND 1.0),
  budget_adherence NUMERIC(3, 2) CHECK (budget_adherence BETWEEN 0.0 AND 1.0),
  gate_integrity NUMERIC(3, 2) CHECK (gate_integrity BETWEEN 0.0 AND 1.0),
  provenance_clarity NUMERIC(3, 2) CHECK (provenance_clarity BETWEEN 0.0 AND 1.0),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  metadata JSONB DEFAULT '{}',
  CONSTRAINT unique_entity UNIQUE (entity_type, entity_id),
  CONSTRAINT non_empty_hash CHECK (length(hash_chain) = 64),
  CONSTRAINT non_empty_signature CHECK (length(signature) > 0)
) WITH (toast_tuple_target = 4080);
ALTER TABLE caws_provenance_graph ALTER COLUMN embedding SET STORAGE PLAIN;

CREATE INDEX idx_provenance_entity_type ON caws_provenance_graph (entity_type);
CREATE INDEX idx_provenance_entity_id ON caws_provenance_graph (entity_id);
CREATE INDEX idx_provenance_parent ON caws_provenance_graph (parent_entity_id);
CREATE INDEX idx_provenance_created ON caws_provenance_graph (created_at DESC);
CREATE INDEX idx_provenance_constitutional ON caws_provenance_graph USING gin (constitutional_refs);
CREATE INDEX idx_provenance_embedding ON caws_provenance_graph
  USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
COMMENT ON TABLE caws_provenance_graph IS 'Append-only chain of CAWS decisions, each hashed over its parent';

-- The chain is computed here, not believed: whoever passes a hash must pass the right one. The parent is one of the same
-- tenant, once there are tenants.
CREATE FUNCTION chain_provenance() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  parent_hash VARCHAR;
  computed VARCHAR;
BEGIN
  IF NEW.parent_entity_id IS NOT NULL THEN
    SELECT p.hash_chain INTO parent_hash FROM caws_provenance_graph p
    WHERE p.id = NEW.parent_entity_id AND to_jsonb(p) ->> 'tenant_id' IS NOT DISTINCT FROM to_jsonb(NEW) ->> 'tenant_id';
    IF NOT FOUND THEN
      RAISE EXCEPTION 'provenance parent % does not exist', NEW.parent_entity_id USING ERRCODE = 'foreign_key_violation';
    END IF;
  END IF;
  computed := compute_provenance_hash(parent_hash, NEW.entity_type, NEW.entity_id, NEW.metadata);
  IF NEW.hash_chain IS DISTINCT FROM computed AND NEW.hash_chain IS NOT NULL THEN
    RAISE EXCEPTION 'hash_chain of % % is not the hash of its content and parent', NEW.entity_type, NEW.entity_id
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.hash_chain := computed;
  RETURN NEW;
END;
$$;

-- History stays as it was written. Only what is derived from it may be filled in later: embedding and description.
CREATE FUNCTION protect_provenance() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    OLD.embedding := NEW.embedding;
    OLD.description := NEW.description;
    IF OLD IS NOT DISTINCT FROM NEW THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'caws_provenance_graph is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER chain_provenance_hash BEFORE INSERT ON caws_provenance_graph
  FOR EACH ROW EXECUTE FUNCTION chain_provenance();
CREATE TRIGGER protect_provenance_rows BEFORE UPDATE OR DELETE ON caws_provenance_graph
  FOR EACH ROW EXECUTE FUNCTION protect_provenance();
CREATE TRIGGER protect_provenance_table BEFORE TRUNCATE ON caws_provenance_graph
  FOR EACH STATEMENT EXECUTE FUNCTION protect_provenance();

-- sluice: step "create entity_chunk_mappings"
CREATE TABLE entity_chunk_mappings (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  entity_id UUID NOT NULL
    CONSTRAINT entity_chunk_mappings_entity_id_fkey REFERENCES agent_capabilities_graph (id) ON DELETE CASCADE,
  chunk_id UUID NOT NULL,
  chunk_type VARCHAR(50) NOT NULL CHECK (chunk_type IN ('task', 'benchmark', 'research', 'training')),
  mention_text TEXT NOT NULL,
  mention_context TEXT,
  start_position INTEGER,
  end_position INTEGER,
  extraction_method VARCHAR(50) NOT NULL CHECK (extraction_method IN ('manual', 'nlp', 'llm', 'rule-based')),
  extraction_confidence NUMERIC(3, 2) NOT NULL CHECK (extraction_confidence BETWEEN 0.0 AND 1.0),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT unique_entity_chunk_mention UNIQUE (entity_id, chunk_id, mention_text),
  CONSTRAINT valid_position_range CHECK (
    (start_position IS NULL) = (end_position IS NULL) AND (start_position IS NULL OR start_position <= end_position)
  )
);

CREATE INDEX idx_entity_chunks_entity ON entity_chunk_mappings (entity_id);
CREATE INDEX idx_entity_chunks_chunk ON entity_chunk_mappings (chunk_id);
CREATE INDEX idx_entity_chunks_type ON entity_chunk_mappings (chunk_type);
CREATE INDEX idx_entity_chunks_method ON entity_chunk_mappings (extraction_method);
COMMENT ON TABLE entity_chunk_mappings IS 'Where each capability was mentioned';

-- sluice: step "create the views"
-- With the reader's own rights (security_invoker, PostgreSQL 15), so that what protects a table protects its views.
CREATE VIEW agent_capability_summary WITH (security_invoker = true) AS
SELECT
  c.agent_id,
  count(*) AS capability_count,
  avg(c.confidence) AS avg_confidence,
  avg(c.success_rate) AS avg_success_rate,
  max(c.last_demonstrated) AS last_activity
FROM agent_capabilities_graph c
GROUP BY c.agent_id;

CREATE VIEW agent_relationship_summary WITH (security_invoker = true) AS
SELECT
  r.source_agent_id,
  r.type,
  count(*) AS relationship_count,
  avg(r.confidence) AS avg_confidence,
  avg(r.strength) AS avg_strength
FROM agent_relationships r
GROUP BY r.source_agent_id, r.type;

CREATE VIEW agent_connectivity WITH (security_invoker = true) AS
SELECT
  a.id AS agent_id,
  COALESCE(outbound.total, 0) AS outbound_relationships,
  COALESCE(inbound.total, 0) AS inbound_relationships,
  COALESCE(outbound.total, 0) + COALESCE(inbound.total, 0) AS total_relationships
FROM agent_profiles a
LEFT JOIN (
  SELECT r.source_agent_id, count(*) AS total FROM agent_relationships r GROUP BY r.source_agent_id
) AS outbound ON outbound.source_agent_id = a.id
LEFT JOIN (
  SELECT r.target_agent_id, count(*) AS total FROM agent_relationships r GROUP BY r.target_agent_id
) AS inbound ON inbound.target_agent_id = a.id;

CREATE VIEW caws_provenance_chains WITH (security_invoker = true) AS
WITH RECURSIVE chain AS (
  SELECT
    p.id, p.entity_type, p.entity_id, p.parent_entity_id, p.hash_chain, p.constitutional_refs, p.created_at,
    0 AS depth,
    ARRAY[p.id] AS path,
    p.hash_chain = compute_provenance_hash(NULL, p.entity_type, p.entity_id, p.metadata) AS intact
  FROM caws_provenance_graph p
  WHERE p.parent_entity_id IS NULL
  UNION ALL
  SELECT
    p.id, p.entity_type, p.entity_id, p.parent_entity_id, p.hash_chain, p.constitutional_refs, p.created_at,
    chain.depth + 1,
    chain.path || p.id,
    chain.intact
      AND p.hash_chain = compute_provenance_hash(chain.hash_chain, p.entity_type, p.entity_id, p.metadata)
  FROM chain
  JOIN caws_provenance_graph p ON p.parent_entity_id = chain.id
)
SELECT * FROM chain;

-- sluice: step "give the application its rights"
-- Whoever was granted something on agent_profiles gets the same on the new tables, and nobody else gets anything:
-- default privileges may have given more, or to others.
DO $grants$
DECLARE
  tables CONSTANT TEXT[] := ARRAY[
    'agent_capabilities_graph', 'agent_relationships', 'caws_provenance_graph', 'entity_chunk_mappings'];
  views CONSTANT TEXT[] := ARRAY[
    'agent_capability_summary', 'agent_relationship_summary', 'agent_connectivity', 'caws_provenance_chains'];
  holder RECORD;
BEGIN
  FOR holder IN
    SELECT c.relname, COALESCE(r.rolname, 'public') AS grantee, r.oid IS NULL AS is_public
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = ANY ((tables || views || ARRAY['knowledge_graph_undo'])::regclass[]) AND a.grantee <> c.relowner
    GROUP BY 1, 2, 3
  LOOP
    EXECUTE format(CASE WHEN holder.is_public THEN 'REVOKE ALL ON %I FROM PUBLIC' ELSE 'REVOKE ALL ON %I FROM %I' END,
      holder.relname, holder.grantee);
  END LOOP;

  FOR holder IN
    SELECT r.rolname, a.privilege_type
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'agent_profiles'::regclass AND a.grantee <> c.relowner
      AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', holder.privilege_type, array_to_string(tables, ', '), holder.rolname);
    IF holder.privilege_type = 'SELECT' THEN
      EXECUTE format('GRANT SELECT ON %s TO %I', array_to_string(views, ', '), holder.rolname);
    ELSIF holder.privilege_type = 'DELETE' THEN
      EXECUTE format('REVOKE DELETE ON caws_provenance_graph FROM %I', holder.rolname);
    END IF;
  END LOOP;
END;
$grants$;
