-- 007: tenants. Every row belongs to one, and the database keeps them apart.
--
-- How it works. The application says whose request it serves (set_config('app.current_tenant', ..., true), in each
-- transaction). Row security lets that tenant's rows through, and those that their owner shares with it. With no tenant
-- set, nothing can be read.
--
-- Statements that name no tenant keep working: a new row takes the session's tenant, and the default tenant where the
-- session has none. So writers that know nothing of tenants go on writing (INSERT without RETURNING), while reading
-- without a tenant yields nothing: a forgotten setting shows as an empty page, never as another tenant's data. A role
-- that cannot be taught to set a tenant in time can be given one:
--   ALTER ROLE its_role IN DATABASE its_database SET app.current_tenant = 'default-tenant';
-- That is left to the operator, since it makes every forgotten setting read the default tenant's rows.
--
-- Row security is enabled, not forced: the owner's pg_dump still dumps every row. Hence the application's roles must
-- own no table.

-- sluice: step "look whether the schema is the one that it knows"
-- Whatever would stop this half way, would stay open between tenants, or could not be given back, is told before
-- anything is changed; all of it at once.
DO $$
DECLARE
  earlier CONSTANT TEXT[] := ARRAY[
    'agent_profiles', 'agent_capabilities', 'performance_events', 'benchmark_datasets', 'performance_anomalies',
    'rl_training_batches'];
  isolated CONSTANT TEXT[] := earlier || ARRAY[
    'agent_capabilities_graph', 'agent_relationships', 'caws_provenance_graph', 'entity_chunk_mappings'];
  problems TEXT;
BEGIN
  WITH missing AS (
    SELECT t.name FROM unnest(isolated) AS t (name) WHERE to_regclass(t.name) IS NULL
  ), found AS (
    SELECT c.* FROM pg_class c WHERE c.oid = ANY (SELECT to_regclass(t.name)::OID FROM unnest(isolated) AS t (name))
  ), known_keys (relation, key_name, columns) AS (
    VALUES ('agent_profiles', 'agent_profiles_pkey', 'id'), ('agent_profiles', 'unique_agent_name', 'name'),
      ('agent_capabilities', 'agent_capabilities_pkey', 'id'),
      ('agent_capabilities', 'unique_agent_capability', 'agent_id, capability_type, capability_value'),
      ('performance_events', 'performance_events_pkey', 'id'), ('benchmark_datasets', 'benchmark_datasets_pkey', 'id'),
      ('performance_anomalies', 'performance_anomalies_pkey', 'id'), ('rl_training_batches', 'rl_training_batches_pkey', 'id')
  ), known_references (relation, reference_name) AS (
    VALUES ('agent_capabilities', 'agent_capabilities_agent_id_fkey'),
      ('agent_capabilities_graph', 'agent_capabilities_graph_agent_id_fkey'),
      ('agent_relationships', 'agent_relationships_source_agent_id_fkey'),
      ('agent_relationships', 'agent_relationships_target_agent_id_fkey'),
      ('caws_provenance_graph', 'caws_provenance_graph_parent_entity_id_fkey'),
      ('entity_chunk_mappings', 'entity_chunk_mappings_entity_id_fkey')
  ), keys AS (
    SELECT f.oid::REGCLASS::TEXT AS relation, i.relname::TEXT AS key_name, (
        SELECT string_agg(pg_get_indexdef(x.indexrelid, k, false), ', ' ORDER BY k) FROM generate_series(1, x.indnkeyatts) AS k
      ) || CASE WHEN x.indpred IS NULL THEN '' ELSE ', partial' END AS columns
    FROM found f
    JOIN pg_index x ON x.indrelid = f.oid AND (x.indisunique OR x.indisexclusion)
    JOIN pg_class i ON i.oid = x.indexrelid
    WHERE f.relname::TEXT = ANY (earlier)
  )
  SELECT string_agg('- ' || p.problem, E'\n' ORDER BY p.place, p.problem) INTO problems
  FROM (
    SELECT 1 AS place, format('table %s is missing', m.name) AS problem FROM missing m
    UNION ALL
    SELECT 2, format('%s is not a plain table but partitioned, inherited or a view', f.oid::REGCLASS) FROM found f
    WHERE f.relkind <> 'r' OR EXISTS (SELECT FROM pg_inherits h WHERE f.oid IN (h.inhrelid, h.inhparent))
    UNION ALL
    SELECT 3, format('%s is there already, and 007 would create it', n.name)
    FROM unnest(ARRAY[
      'tenant_isolation_undo', 'tenants', 'tenant_privacy_config', 'tenant_access_log', 'cross_tenant_attempts',
      'tenant_statistics', 'cross_tenant_access_summary', 'isolation_level', 'privacy_level', 'retention_policy',
      'idx_agent_profiles_tenant', 'idx_agent_capabilities_tenant', 'idx_performance_events_tenant',
      'idx_benchmark_datasets_tenant', 'idx_anomalies_tenant', 'idx_rl_batches_tenant', 'idx_capabilities_tenant',
      'idx_relationships_tenant', 'idx_provenance_tenant', 'idx_entity_chunks_tenant',
      'tenants_sharing_with_me()', 'federated_tenants_open_to_me()', 'log_tenant_access()',
      'note_cross_tenant_attempt(text, text, text)', 'note_cross_tenant_write()', 'audit_tenant_writes(regclass)',
      'add_dp_noise(numeric, varchar)', 'check_k_anonymity(integer, varchar)'
    ]) AS n (name)
    WHERE CASE WHEN n.name LIKE '%)' THEN to_regprocedure(n.name) IS NOT NULL
      ELSE to_regclass(n.name) IS NOT NULL OR to_regtype(n.name) IS NOT NULL END
    UNION ALL
    SELECT 3, format('index %s is there already, and 007 would create one of that name', taken.oid::REGCLASS)
    FROM found f
    JOIN pg_index x ON x.indrelid = f.oid
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class taken ON taken.relname = i.relname || '_by_tenant' AND taken.relnamespace = f.relnamespace
    UNION ALL
    SELECT 4, format('%s has a tenant_id already', f.oid::REGCLASS)
    FROM found f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    UNION ALL
    SELECT 5, format('%s has row security or policies already', f.oid::REGCLASS) FROM found f
    WHERE f.relrowsecurity OR f.relforcerowsecurity OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = f.oid)
    UNION ALL
    SELECT 6, CASE
      WHEN k.key_name IS NULL THEN format('%s lacks its key %s (%s)', e.relation, e.key_name, e.columns)
      ELSE format('%s has the key %s (%s), which 007 does not know: without the tenant it would tell one tenant what another has',
        k.relation, k.key_name, k.columns)
      END
    FROM known_keys e
    FULL JOIN keys k USING (relation, key_name)
    WHERE k.columns IS DISTINCT FROM e.columns AND COALESCE(k.relation, e.relation) NOT IN (SELECT m.name FROM missing m)
    UNION ALL
    SELECT 7, CASE
      WHEN r.conname IS NULL THEN format('%s lacks its foreign key %s', e.relation, e.reference_name)
      ELSE format('%s has the foreign key %s to %s, which 007 does not know: it needs a key without the tenant',
        r.conrelid::REGCLASS, r.conname, r.confrelid::REGCLASS)
      END
    FROM known_references e
    FULL JOIN (SELECT c.* FROM found f JOIN pg_constraint c ON c.confrelid = f.oid AND c.contype = 'f') AS r
      ON r.conname::TEXT = e.reference_name AND r.conrelid = to_regclass(e.relation)
    WHERE (r.conname IS NULL OR e.relation IS NULL) AND COALESCE(e.relation, '') NOT IN (SELECT m.name FROM missing m)
    UNION ALL
    SELECT 8, format('%s needs the key %s of %s as it is', pg_describe_object(d.classid, d.objid, d.objsubid), k.conname, f.oid::REGCLASS)
    FROM found f
    JOIN pg_constraint k ON k.conrelid = f.oid AND k.contype IN ('p', 'u')
    JOIN pg_depend d ON d.refclassid = 'pg_constraint'::REGCLASS AND d.refobjid = k.oid AND d.deptype = 'n'
  ) AS p;
  IF problems IS NOT NULL THEN
    RAISE EXCEPTION 'the schema is not the one that migration 007 knows' USING
      ERRCODE = 'object_not_in_prerequisite_state', DETAIL = problems,
      HINT = 'Nothing was changed. A table that refers to one of these needs a tenant_id, too: add it to the files of 007, its '
        || 'rollback included, or drop the constraint. What is in the way otherwise must be renamed, dropped or added there.';
  END IF;
END;
$$;

-- sluice: step "begin"
CREATE TABLE tenant_isolation_undo (
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (kind, object, note)
);
COMMENT ON TABLE tenant_isolation_undo IS
  'What the rollback of migration 007 must know; without this table it undoes nothing. Dropped by it.';
REVOKE ALL ON tenant_isolation_undo FROM PUBLIC;

-- sluice: step "create the enums"
CREATE TYPE isolation_level AS ENUM ('strict', 'shared', 'federated');
CREATE TYPE privacy_level AS ENUM ('basic', 'differential', 'secure');
CREATE TYPE retention_policy AS ENUM ('delete', 'archive', 'retain');

-- sluice: step "create the tenants' tables"
CREATE TABLE tenants (
  id VARCHAR(255) PRIMARY KEY CHECK (id <> ''),
  project_id VARCHAR(255) NOT NULL,
  name VARCHAR(255) NOT NULL,
  isolation_level isolation_level NOT NULL DEFAULT 'strict',
  access_policies JSONB DEFAULT '[]',
  sharing_rules JSONB NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(sharing_rules) = 'array'),
  data_retention JSONB NOT NULL DEFAULT '{"policy": "archive", "retention_days": 730, "archive_after_days": 90}'
    CHECK (data_retention ->> 'policy' IN ('delete', 'archive', 'retain')),
  encryption_enabled BOOLEAN DEFAULT false,
  audit_logging BOOLEAN NOT NULL DEFAULT true,
  config JSONB DEFAULT '{}',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT unique_tenant_name UNIQUE (project_id, name)
);
CREATE INDEX idx_tenants_project ON tenants (project_id);
CREATE INDEX idx_tenants_isolation ON tenants (isolation_level);
COMMENT ON TABLE tenants IS 'Whom rows belong to, and what they share';
COMMENT ON COLUMN tenants.isolation_level IS
  'strict: shares nothing; shared: agents can be read by the tenants in sharing_rules; federated: events can be read as tenant_privacy_config allows';
COMMENT ON COLUMN tenants.sharing_rules IS 'The ids of the tenants that may read this tenant''s agents, as a JSON array';

CREATE TABLE tenant_privacy_config (
  tenant_id VARCHAR(255) PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
  privacy_level privacy_level NOT NULL DEFAULT 'differential',
  noise_magnitude NUMERIC(5, 4) NOT NULL DEFAULT 1.0 CHECK (noise_magnitude >= 0.0),
  k_anonymity INTEGER NOT NULL DEFAULT 5 CHECK (k_anonymity >= 2),
  epsilon NUMERIC(5, 4) NOT NULL DEFAULT 1.0 CHECK (epsilon > 0.0),
  delta NUMERIC(10, 8) NOT NULL DEFAULT 0.00001 CHECK (delta >= 0.0),
  allow_cross_tenant_learning BOOLEAN NOT NULL DEFAULT false,
  allowed_tenant_groups TEXT[] NOT NULL DEFAULT '{}',
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON COLUMN tenant_privacy_config.noise_magnitude IS 'Sensitivity: by how much one agent can change a published value';
COMMENT ON COLUMN tenant_privacy_config.epsilon IS 'Privacy budget: lower is more private';
COMMENT ON COLUMN tenant_privacy_config.allowed_tenant_groups IS
  'Who may learn from this tenant, where it allows learning: tenant ids and project ids';

-- No foreign key and no check: what is recorded must neither fail a write nor vanish with a tenant.
CREATE TABLE tenant_access_log (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id VARCHAR(255) NOT NULL,
  accessor_tenant_id VARCHAR(255),
  access_type VARCHAR(50) NOT NULL,
  table_name VARCHAR(100) NOT NULL,
  query_hash VARCHAR(64),
  row_count BIGINT,
  user_id VARCHAR(255),
  ip_address INET,
  accessed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_tenant_access_log_tenant ON tenant_access_log (tenant_id);
CREATE INDEX idx_tenant_access_log_accessed ON tenant_access_log (accessed_at DESC);
COMMENT ON TABLE tenant_access_log IS 'Whose rows were written, and attempts to reach another tenant''s';

-- A refused write is rolled back, and its log row with it. What a sequence counted stays counted.
CREATE SEQUENCE cross_tenant_attempts;
COMMENT ON SEQUENCE cross_tenant_attempts IS 'Attempts to reach another tenant''s rows, those in rolled back transactions too';

-- sluice: step "create the default tenant"
INSERT INTO tenants (id, project_id, name, isolation_level, audit_logging)
VALUES ('default-tenant', 'default-project', 'Default Tenant', 'strict', true);
INSERT INTO tenant_privacy_config (tenant_id) VALUES ('default-tenant');

-- == The column ==========================================================================================
-- A constant default is a catalog entry: no row is rewritten, no trigger fires, no updated_at changes. From then on
-- a row that names no tenant belongs to the session's tenant, or to the default tenant when the session has none.
-- A step for each table, so that no table stays locked while another's lock is waited for.

-- sluice: step "add tenant_id to agent_profiles"
ALTER TABLE agent_profiles ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE agent_profiles ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to agent_capabilities"
ALTER TABLE agent_capabilities ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE agent_capabilities ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to performance_events"
ALTER TABLE performance_events ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE performance_events ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to benchmark_datasets"
ALTER TABLE benchmark_datasets ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE benchmark_datasets ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to performance_anomalies"
ALTER TABLE performance_anomalies ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE performance_anomalies ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to rl_training_batches"
ALTER TABLE rl_training_batches ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE rl_training_batches ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to agent_capabilities_graph"
ALTER TABLE agent_capabilities_graph ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE agent_capabilities_graph ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to agent_relationships"
ALTER TABLE agent_relationships ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE agent_relationships ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to caws_provenance_graph"
ALTER TABLE caws_provenance_graph ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE caws_provenance_graph ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- sluice: step "add tenant_id to entity_chunk_mappings"
ALTER TABLE entity_chunk_mappings ADD COLUMN tenant_id VARCHAR(255) NOT NULL DEFAULT 'default-tenant';
ALTER TABLE entity_chunk_mappings ALTER COLUMN tenant_id
  SET DEFAULT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant');

-- == Foreign keys to tenants ==============================================================================
-- Added NOT VALID (a short lock); new rows are held to them at once. Those that were there are validated below.

-- sluice: step "add the foreign key of agent_profiles to tenants"
ALTER TABLE agent_profiles ADD CONSTRAINT fk_agent_profiles_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of agent_capabilities to tenants"
ALTER TABLE agent_capabilities ADD CONSTRAINT fk_agent_capabilities_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of performance_events to tenants"
ALTER TABLE performance_events ADD CONSTRAINT fk_performance_events_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of benchmark_datasets to tenants"
ALTER TABLE benchmark_datasets ADD CONSTRAINT fk_benchmark_datasets_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of performance_anomalies to tenants"
ALTER TABLE performance_anomalies ADD CONSTRAINT fk_anomalies_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of rl_training_batches to tenants"
ALTER TABLE rl_training_batches ADD CONSTRAINT fk_rl_batches_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of agent_capabilities_graph to tenants"
ALTER TABLE agent_capabilities_graph ADD CONSTRAINT fk_capabilities_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of agent_relationships to tenants"
ALTER TABLE agent_relationships ADD CONSTRAINT fk_relationships_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of caws_provenance_graph to tenants"
ALTER TABLE caws_provenance_graph ADD CONSTRAINT fk_provenance_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "add the foreign key of entity_chunk_mappings to tenants"
ALTER TABLE entity_chunk_mappings ADD CONSTRAINT fk_entity_chunks_tenant
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE RESTRICT NOT VALID;

-- == Indexes ==============================================================================================
-- Built concurrently: writers go on meanwhile. The unique ones take the place of keys that know no tenant, which
-- would tell one tenant what another has (23505) and let it attach rows to another's agents. The id leads, so that
-- looking up by id stays as fast as it was.

-- sluice: step "index agent_profiles by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_agent_profiles_tenant ON agent_profiles (tenant_id);

-- sluice: step "index agent_profiles for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY agent_profiles_pkey_by_tenant ON agent_profiles (id, tenant_id);

-- sluice: step "index agent_profiles for its tenant-wise unique_agent_name" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_agent_name_by_tenant ON agent_profiles (name, tenant_id);

-- sluice: step "index agent_capabilities by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_agent_capabilities_tenant ON agent_capabilities (tenant_id);

-- sluice: step "index agent_capabilities for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY agent_capabilities_pkey_by_tenant ON agent_capabilities (id, tenant_id);

-- sluice: step "index agent_capabilities for its tenant-wise unique_agent_capability" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_agent_capability_by_tenant ON agent_capabilities (agent_id, capability_type, capability_value, tenant_id);

-- sluice: step "index performance_events by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_performance_events_tenant ON performance_events (tenant_id);

-- sluice: step "index performance_events for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY performance_events_pkey_by_tenant ON performance_events (id, tenant_id);

-- sluice: step "index benchmark_datasets by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_benchmark_datasets_tenant ON benchmark_datasets (tenant_id);

-- sluice: step "index benchmark_datasets for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY benchmark_datasets_pkey_by_tenant ON benchmark_datasets (id, tenant_id);

-- sluice: step "index performance_anomalies by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_anomalies_tenant ON performance_anomalies (tenant_id);

-- sluice: step "index performance_anomalies for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY performance_anomalies_pkey_by_tenant ON performance_anomalies (id, tenant_id);

-- sluice: step "index rl_training_batches by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_rl_batches_tenant ON rl_training_batches (tenant_id);

-- sluice: step "index rl_training_batches for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY rl_training_batches_pkey_by_tenant ON rl_training_batches (id, tenant_id);

-- sluice: step "index agent_capabilities_graph by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_capabilities_tenant ON agent_capabilities_graph (tenant_id);

-- sluice: step "index agent_capabilities_graph for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY agent_capabilities_graph_pkey_by_tenant ON agent_capabilities_graph (id, tenant_id);

-- sluice: step "index agent_capabilities_graph for its tenant-wise unique_agent_capability_graph" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_agent_capability_graph_by_tenant ON agent_capabilities_graph (agent_id, canonical_name, tenant_id);

-- sluice: step "index agent_relationships by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_relationships_tenant ON agent_relationships (tenant_id);

-- sluice: step "index agent_relationships for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY agent_relationships_pkey_by_tenant ON agent_relationships (id, tenant_id);

-- sluice: step "index agent_relationships for its tenant-wise unique_relationship" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_relationship_by_tenant ON agent_relationships (source_agent_id, target_agent_id, type, tenant_id);

-- sluice: step "index agent_relationships for its tenant-wise unique_relationship_forward" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_relationship_forward_by_tenant ON agent_relationships
  (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type, tenant_id)
  WHERE NOT is_directional OR source_agent_id < target_agent_id;

-- sluice: step "index agent_relationships for its tenant-wise unique_relationship_backward" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_relationship_backward_by_tenant ON agent_relationships
  (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type, tenant_id)
  WHERE NOT is_directional OR source_agent_id > target_agent_id;

-- The two by which the graph is walked come to include the tenant, and what a walk asks of a relationship: so it looks
-- into the index only, not for every relationship into the table.

-- sluice: step "index agent_relationships for walks from the source" outside transaction
CREATE INDEX CONCURRENTLY idx_relationships_source_by_tenant ON agent_relationships (source_agent_id, tenant_id)
  INCLUDE (target_agent_id, type, is_directional, confidence);

-- sluice: step "index agent_relationships for walks from the target" outside transaction
CREATE INDEX CONCURRENTLY idx_relationships_target_by_tenant ON agent_relationships (target_agent_id, tenant_id)
  INCLUDE (source_agent_id, type, is_directional, confidence);

-- sluice: step "index caws_provenance_graph by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_provenance_tenant ON caws_provenance_graph (tenant_id);

-- sluice: step "index caws_provenance_graph for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY caws_provenance_graph_pkey_by_tenant ON caws_provenance_graph (id, tenant_id);

-- sluice: step "index caws_provenance_graph for its tenant-wise unique_entity" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_entity_by_tenant ON caws_provenance_graph (entity_type, entity_id, tenant_id);

-- sluice: step "index entity_chunk_mappings by tenant" outside transaction
CREATE INDEX CONCURRENTLY idx_entity_chunks_tenant ON entity_chunk_mappings (tenant_id);

-- sluice: step "index entity_chunk_mappings for its tenant-wise primary key" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY entity_chunk_mappings_pkey_by_tenant ON entity_chunk_mappings (id, tenant_id);

-- sluice: step "index entity_chunk_mappings for its tenant-wise unique_entity_chunk_mention" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY unique_entity_chunk_mention_by_tenant ON entity_chunk_mappings (entity_id, chunk_id, mention_text, tenant_id);

-- == The foreign keys to tenants, validated ===============================================================
-- A scan that blocks neither readers nor writers. After the indexes, as it reads the one by tenant, not the table.

-- sluice: step "validate the foreign key of agent_profiles to tenants"
ALTER TABLE agent_profiles VALIDATE CONSTRAINT fk_agent_profiles_tenant;

-- sluice: step "validate the foreign key of agent_capabilities to tenants"
ALTER TABLE agent_capabilities VALIDATE CONSTRAINT fk_agent_capabilities_tenant;

-- sluice: step "validate the foreign key of performance_events to tenants"
ALTER TABLE performance_events VALIDATE CONSTRAINT fk_performance_events_tenant;

-- sluice: step "validate the foreign key of benchmark_datasets to tenants"
ALTER TABLE benchmark_datasets VALIDATE CONSTRAINT fk_benchmark_datasets_tenant;

-- sluice: step "validate the foreign key of performance_anomalies to tenants"
ALTER TABLE performance_anomalies VALIDATE CONSTRAINT fk_anomalies_tenant;

-- sluice: step "validate the foreign key of rl_training_batches to tenants"
ALTER TABLE rl_training_batches VALIDATE CONSTRAINT fk_rl_batches_tenant;

-- sluice: step "validate the foreign key of agent_capabilities_graph to tenants"
ALTER TABLE agent_capabilities_graph VALIDATE CONSTRAINT fk_capabilities_tenant;

-- sluice: step "validate the foreign key of agent_relationships to tenants"
ALTER TABLE agent_relationships VALIDATE CONSTRAINT fk_relationships_tenant;

-- sluice: step "validate the foreign key of caws_provenance_graph to tenants"
ALTER TABLE caws_provenance_graph VALIDATE CONSTRAINT fk_provenance_tenant;

-- sluice: step "validate the foreign key of entity_chunk_mappings to tenants"
ALTER TABLE entity_chunk_mappings VALIDATE CONSTRAINT fk_entity_chunks_tenant;

-- == Foreign keys between tenants' tables =================================================================
-- Each comes to include the tenant, under its old name: a row refers to rows of its own tenant only.

-- sluice: step "make agent_capabilities_agent_id_fkey tenant-wise"
ALTER TABLE agent_capabilities DROP CONSTRAINT agent_capabilities_agent_id_fkey;
ALTER TABLE agent_capabilities ADD CONSTRAINT agent_capabilities_agent_id_fkey
  FOREIGN KEY (agent_id, tenant_id) REFERENCES agent_profiles (id, tenant_id) ON DELETE CASCADE NOT VALID;

-- sluice: step "validate agent_capabilities_agent_id_fkey"
ALTER TABLE agent_capabilities VALIDATE CONSTRAINT agent_capabilities_agent_id_fkey;

-- sluice: step "make agent_capabilities_graph_agent_id_fkey tenant-wise"
ALTER TABLE agent_capabilities_graph DROP CONSTRAINT agent_capabilities_graph_agent_id_fkey;
ALTER TABLE agent_capabilities_graph ADD CONSTRAINT agent_capabilities_graph_agent_id_fkey
  FOREIGN KEY (agent_id, tenant_id) REFERENCES agent_profiles (id, tenant_id) ON DELETE CASCADE NOT VALID;

-- sluice: step "validate agent_capabilities_graph_agent_id_fkey"
ALTER TABLE agent_capabilities_graph VALIDATE CONSTRAINT agent_capabilities_graph_agent_id_fkey;

-- sluice: step "make agent_relationships_source_agent_id_fkey tenant-wise"
ALTER TABLE agent_relationships DROP CONSTRAINT agent_relationships_source_agent_id_fkey;
ALTER TABLE agent_relationships ADD CONSTRAINT agent_relationships_source_agent_id_fkey
  FOREIGN KEY (source_agent_id, tenant_id) REFERENCES agent_profiles (id, tenant_id) ON DELETE CASCADE NOT VALID;

-- sluice: step "validate agent_relationships_source_agent_id_fkey"
ALTER TABLE agent_relationships VALIDATE CONSTRAINT agent_relationships_source_agent_id_fkey;

-- sluice: step "make agent_relationships_target_agent_id_fkey tenant-wise"
ALTER TABLE agent_relationships DROP CONSTRAINT agent_relationships_target_agent_id_fkey;
ALTER TABLE agent_relationships ADD CONSTRAINT agent_relationships_target_agent_id_fkey
  FOREIGN KEY (target_agent_id, tenant_id) REFERENCES agent_profiles (id, tenant_id) ON DELETE CASCADE NOT VALID;

-- sluice: step "validate agent_relationships_target_agent_id_fkey"
ALTER TABLE agent_relationships VALIDATE CONSTRAINT agent_relationships_target_agent_id_fkey;

-- sluice: step "make caws_provenance_graph_parent_entity_id_fkey tenant-wise"
ALTER TABLE caws_provenance_graph DROP CONSTRAINT caws_provenance_graph_parent_entity_id_fkey;
ALTER TABLE caws_provenance_graph ADD CONSTRAINT caws_provenance_graph_parent_entity_id_fkey
  FOREIGN KEY (parent_entity_id, tenant_id) REFERENCES caws_provenance_graph (id, tenant_id) ON DELETE RESTRICT NOT VALID;

-- sluice: step "validate caws_provenance_graph_parent_entity_id_fkey"
ALTER TABLE caws_provenance_graph VALIDATE CONSTRAINT caws_provenance_graph_parent_entity_id_fkey;

-- sluice: step "make entity_chunk_mappings_entity_id_fkey tenant-wise"
ALTER TABLE entity_chunk_mappings DROP CONSTRAINT entity_chunk_mappings_entity_id_fkey;
ALTER TABLE entity_chunk_mappings ADD CONSTRAINT entity_chunk_mappings_entity_id_fkey
  FOREIGN KEY (entity_id, tenant_id) REFERENCES agent_capabilities_graph (id, tenant_id) ON DELETE CASCADE NOT VALID;

-- sluice: step "validate entity_chunk_mappings_entity_id_fkey"
ALTER TABLE entity_chunk_mappings VALIDATE CONSTRAINT entity_chunk_mappings_entity_id_fkey;

-- == Keys =================================================================================================
-- The index is there already, so the swap takes catalog time. Constraints keep their names, and with them
-- ON CONFLICT ON CONSTRAINT works as before; ON CONFLICT (columns) must name tenant_id as well.

-- sluice: step "make the keys of agent_profiles tenant-wise"
ALTER TABLE agent_profiles DROP CONSTRAINT agent_profiles_pkey;
ALTER TABLE agent_profiles ADD CONSTRAINT agent_profiles_pkey PRIMARY KEY USING INDEX agent_profiles_pkey_by_tenant;
ALTER TABLE agent_profiles DROP CONSTRAINT unique_agent_name;
ALTER TABLE agent_profiles ADD CONSTRAINT unique_agent_name UNIQUE USING INDEX unique_agent_name_by_tenant;

-- sluice: step "make the keys of agent_capabilities tenant-wise"
ALTER TABLE agent_capabilities DROP CONSTRAINT agent_capabilities_pkey;
ALTER TABLE agent_capabilities ADD CONSTRAINT agent_capabilities_pkey PRIMARY KEY USING INDEX agent_capabilities_pkey_by_tenant;
ALTER TABLE agent_capabilities DROP CONSTRAINT unique_agent_capability;
ALTER TABLE agent_capabilities ADD CONSTRAINT unique_agent_capability UNIQUE USING INDEX unique_agent_capability_by_tenant;

-- sluice: step "make the keys of performance_events tenant-wise"
ALTER TABLE performance_events DROP CONSTRAINT performance_events_pkey;
ALTER TABLE performance_events ADD CONSTRAINT performance_events_pkey PRIMARY KEY USING INDEX performance_events_pkey_by_tenant;

-- sluice: step "make the keys of benchmark_datasets tenant-wise"
ALTER TABLE benchmark_datasets DROP CONSTRAINT benchmark_datasets_pkey;
ALTER TABLE benchmark_datasets ADD CONSTRAINT benchmark_datasets_pkey PRIMARY KEY USING INDEX benchmark_datasets_pkey_by_tenant;

-- sluice: step "make the keys of performance_anomalies tenant-wise"
ALTER TABLE performance_anomalies DROP CONSTRAINT performance_anomalies_pkey;
ALTER TABLE performance_anomalies ADD CONSTRAINT performance_anomalies_pkey PRIMARY KEY USING INDEX performance_anomalies_pkey_by_tenant;

-- sluice: step "make the keys of rl_training_batches tenant-wise"
ALTER TABLE rl_training_batches DROP CONSTRAINT rl_training_batches_pkey;
ALTER TABLE rl_training_batches ADD CONSTRAINT rl_training_batches_pkey PRIMARY KEY USING INDEX rl_training_batches_pkey_by_tenant;

-- sluice: step "make the keys of agent_capabilities_graph tenant-wise"
ALTER TABLE agent_capabilities_graph DROP CONSTRAINT agent_capabilities_graph_pkey;
ALTER TABLE agent_capabilities_graph ADD CONSTRAINT agent_capabilities_graph_pkey PRIMARY KEY USING INDEX agent_capabilities_graph_pkey_by_tenant;
ALTER TABLE agent_capabilities_graph DROP CONSTRAINT unique_agent_capability_graph;
ALTER TABLE agent_capabilities_graph ADD CONSTRAINT unique_agent_capability_graph UNIQUE USING INDEX unique_agent_capability_graph_by_tenant;

-- sluice: step "make the keys of agent_relationships tenant-wise"
ALTER TABLE agent_relationships DROP CONSTRAINT agent_relationships_pkey;
ALTER TABLE agent_relationships ADD CONSTRAINT agent_relationships_pkey PRIMARY KEY USING INDEX agent_relationships_pkey_by_tenant;
ALTER TABLE agent_relationships DROP CONSTRAINT unique_relationship;
ALTER TABLE agent_relationships ADD CONSTRAINT unique_relationship UNIQUE USING INDEX unique_relationship_by_tenant;
-- These four are swapped in an instant, in one transaction, so that nobody sees the table without them; hence:
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX unique_relationship_forward;
ALTER INDEX unique_relationship_forward_by_tenant RENAME TO unique_relationship_forward;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX unique_relationship_backward;
ALTER INDEX unique_relationship_backward_by_tenant RENAME TO unique_relationship_backward;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX idx_relationships_source;
ALTER INDEX idx_relationships_source_by_tenant RENAME TO idx_relationships_source;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX idx_relationships_target;
ALTER INDEX idx_relationships_target_by_tenant RENAME TO idx_relationships_target;

-- sluice: step "make the keys of caws_provenance_graph tenant-wise"
ALTER TABLE caws_provenance_graph DROP CONSTRAINT caws_provenance_graph_pkey;
ALTER TABLE caws_provenance_graph ADD CONSTRAINT caws_provenance_graph_pkey PRIMARY KEY USING INDEX caws_provenance_graph_pkey_by_tenant;
ALTER TABLE caws_provenance_graph DROP CONSTRAINT unique_entity;
ALTER TABLE caws_provenance_graph ADD CONSTRAINT unique_entity UNIQUE USING INDEX unique_entity_by_tenant;

-- sluice: step "make the keys of entity_chunk_mappings tenant-wise"
ALTER TABLE entity_chunk_mappings DROP CONSTRAINT entity_chunk_mappings_pkey;
ALTER TABLE entity_chunk_mappings ADD CONSTRAINT entity_chunk_mappings_pkey PRIMARY KEY USING INDEX entity_chunk_mappings_pkey_by_tenant;
ALTER TABLE entity_chunk_mappings DROP CONSTRAINT unique_entity_chunk_mention;
ALTER TABLE entity_chunk_mappings ADD CONSTRAINT unique_entity_chunk_mention UNIQUE USING INDEX unique_entity_chunk_mention_by_tenant;

-- == Sharing ==============================================================================================
-- sluice: step "create the functions that say who shares with whom"
-- What a tenant shares is in its own row, which only it can write. These two tell the current tenant who shares with
-- it, and nothing else; row security needs them for every reader, so everybody may call them. NULL when nobody does,
-- which makes the policy's test of the other rows as cheap as a test can be.
CREATE FUNCTION tenants_sharing_with_me() RETURNS TEXT[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT array_agg(t.id::TEXT)
  FROM tenants t
  WHERE t.isolation_level = 'shared'
    AND t.sharing_rules ? NULLIF(current_setting('app.current_tenant', true), '')
$$;

-- Both must be federated, and the owner must allow learning, by this tenant or its project, at privacy level 'basic':
-- at the other levels rows do not leave the tenant (aggregates may, through add_dp_noise and check_k_anonymity).
CREATE FUNCTION federated_tenants_open_to_me() RETURNS TEXT[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT array_agg(owner.id::TEXT)
  FROM tenants me
  JOIN tenants owner ON owner.isolation_level = 'federated' AND owner.id <> me.id
  JOIN tenant_privacy_config privacy ON privacy.tenant_id = owner.id
  WHERE me.id = NULLIF(current_setting('app.current_tenant', true), '')
    AND me.isolation_level = 'federated'
    AND privacy.allow_cross_tenant_learning
    AND privacy.privacy_level = 'basic'
    AND privacy.allowed_tenant_groups && ARRAY[me.id::TEXT, me.project_id::TEXT]
$$;

-- == Audit ================================================================================================
-- sluice: step "create the audit log's functions"
-- One row for each statement and tenant. Whatever goes wrong here, the write that it records goes on.
CREATE FUNCTION log_tenant_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO tenant_access_log (tenant_id, accessor_tenant_id, access_type, table_name, row_count, user_id, ip_address)
  SELECT
    changed.tenant_id,
    COALESCE(NULLIF(left(current_setting('app.current_tenant', true), 255), ''), changed.tenant_id),
    'write',
    left(TG_TABLE_NAME, 100),
    changed.total,
    left(COALESCE(NULLIF(current_setting('app.current_user', true), ''), session_user), 255),
    inet_client_addr()
  FROM (SELECT c.tenant_id, count(*) AS total FROM changed_rows c GROUP BY c.tenant_id) AS changed
  JOIN tenants t ON t.id = changed.tenant_id AND t.audit_logging;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'tenant_access_log could not record a write to %: %', TG_TABLE_NAME, SQLERRM;
  RETURN NULL;
END;
$$;

-- Called for attempts to reach another tenant's rows: counts, tells the server's log, and records what a transaction
-- that goes on can record. It never says whether that other tenant exists.
CREATE FUNCTION note_cross_tenant_attempt(wanted_tenant TEXT, kind TEXT, object_name TEXT) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  asking TEXT := NULLIF(current_setting('app.current_tenant', true), '');
BEGIN
  RAISE LOG 'cross-tenant attempt: tenant %, %, %, rows of tenant %', COALESCE(asking, '(none)'), kind, object_name, wanted_tenant;
  IF current_setting('transaction_read_only')::BOOLEAN THEN
    RETURN;
  END IF;
  PERFORM nextval('cross_tenant_attempts');
  INSERT INTO tenant_access_log (tenant_id, accessor_tenant_id, access_type, table_name, user_id, ip_address)
  VALUES (
    left(wanted_tenant, 255), left(COALESCE(asking, ''), 255), left(kind, 50), left(object_name, 100),
    left(COALESCE(NULLIF(current_setting('app.current_user', true), ''), session_user), 255), inet_client_addr());
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a cross-tenant attempt could not be recorded: %', SQLERRM;
END;
$$;

-- The policy refuses the row right after this.
CREATE FUNCTION note_cross_tenant_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM note_cross_tenant_attempt(NEW.tenant_id::TEXT, 'denied', TG_TABLE_NAME::TEXT);
  RETURN NEW;
END;
$$;

-- Puts the audit triggers on a table with a tenant_id; for tables added later too.
CREATE FUNCTION audit_tenant_writes(target REGCLASS) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER audit_tenant_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_tenant_access()', target);
  EXECUTE format('CREATE TRIGGER audit_tenant_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_tenant_access()', target);
  EXECUTE format('CREATE TRIGGER audit_tenant_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_tenant_access()', target);
  EXECUTE format($sql$
    CREATE TRIGGER note_cross_tenant_write BEFORE INSERT OR UPDATE ON %1$s FOR EACH ROW
    WHEN (NEW.tenant_id IS DISTINCT FROM COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')
      AND row_security_active(%2$L::REGCLASS))
    EXECUTE FUNCTION note_cross_tenant_write()$sql$, target, target::TEXT);
END;
$$;

-- == Row security =========================================================================================
-- One policy for everything a tenant does with its own rows. The setting is read once a statement, not once a row:
-- hence the sub-select. An empty setting is what a transaction's setting leaves behind, so it counts as none.
-- What others share comes in by a policy of its own, for reading only. The server tries the policies in the reverse
-- order of their names; the names here make it try the row's own tenant first, so that own rows cost one comparison.
--
-- A sub-select hides from the planner whose rows are asked for: it reckons with a tenant of middling size. For most tables
-- that does no harm. On the two with embeddings it decides between comparing a tenant's rows one by one and asking the
-- HNSW index, which is right for a large tenant and finds nothing of a small one. So their policies have no sub-select:
-- the planner evaluates them and looks up how many rows that tenant has. Where they are a scan's filter they are evaluated
-- for each row (about 10 us for a row that is not the tenant's own). The planner knows their price and takes the index by
-- tenant instead.

-- sluice: step "isolate agent_profiles"
CREATE POLICY tenant_strict_isolation ON agent_profiles
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
CREATE POLICY tenant_shared_access ON agent_profiles FOR SELECT
  USING (tenant_id = ANY ((SELECT tenants_sharing_with_me())::TEXT[]));
DO $$ BEGIN PERFORM audit_tenant_writes('agent_profiles'); END; $$;
ALTER TABLE agent_profiles ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate agent_capabilities"
CREATE POLICY tenant_agent_capability_isolation ON agent_capabilities
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
CREATE POLICY shared_access ON agent_capabilities FOR SELECT
  USING (tenant_id = ANY ((SELECT tenants_sharing_with_me())::TEXT[]));
DO $$ BEGIN PERFORM audit_tenant_writes('agent_capabilities'); END; $$;
ALTER TABLE agent_capabilities ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate performance_events"
CREATE POLICY tenant_performance_isolation ON performance_events
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
CREATE POLICY tenant_federated_access ON performance_events FOR SELECT
  USING (tenant_id = ANY ((SELECT federated_tenants_open_to_me())::TEXT[]));
DO $$ BEGIN PERFORM audit_tenant_writes('performance_events'); END; $$;
ALTER TABLE performance_events ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate benchmark_datasets"
CREATE POLICY tenant_benchmark_isolation ON benchmark_datasets
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('benchmark_datasets'); END; $$;
ALTER TABLE benchmark_datasets ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate performance_anomalies"
CREATE POLICY tenant_anomaly_isolation ON performance_anomalies
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('performance_anomalies'); END; $$;
ALTER TABLE performance_anomalies ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate rl_training_batches"
CREATE POLICY tenant_rl_batch_isolation ON rl_training_batches
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('rl_training_batches'); END; $$;
ALTER TABLE rl_training_batches ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate agent_capabilities_graph"
CREATE POLICY tenant_capability_isolation ON agent_capabilities_graph
  USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
CREATE POLICY shared_access ON agent_capabilities_graph FOR SELECT
  USING (tenant_id = ANY (tenants_sharing_with_me()));
DO $$ BEGIN PERFORM audit_tenant_writes('agent_capabilities_graph'); END; $$;
ALTER TABLE agent_capabilities_graph ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate agent_relationships"
CREATE POLICY tenant_relationship_isolation ON agent_relationships
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
CREATE POLICY shared_access ON agent_relationships FOR SELECT
  USING (tenant_id = ANY ((SELECT tenants_sharing_with_me())::TEXT[]));
DO $$ BEGIN PERFORM audit_tenant_writes('agent_relationships'); END; $$;
ALTER TABLE agent_relationships ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate caws_provenance_graph"
CREATE POLICY tenant_provenance_isolation ON caws_provenance_graph
  USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('caws_provenance_graph'); END; $$;
ALTER TABLE caws_provenance_graph ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate entity_chunk_mappings"
CREATE POLICY tenant_chunk_isolation ON entity_chunk_mappings
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')))
  WITH CHECK (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant', true), ''), 'default-tenant')));
DO $$ BEGIN PERFORM audit_tenant_writes('entity_chunk_mappings'); END; $$;
ALTER TABLE entity_chunk_mappings ENABLE ROW LEVEL SECURITY;

-- sluice: step "isolate the tenants' own tables"
CREATE POLICY tenant_own_row ON tenants
  USING (id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')));
CREATE POLICY tenant_own_privacy ON tenant_privacy_config
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')));
CREATE POLICY tenant_own_log ON tenant_access_log FOR SELECT
  USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant', true), '')));
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_privacy_config ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_access_log ENABLE ROW LEVEL SECURITY;

-- sluice: step "hold back what row security does not"
-- Views that run as their owner would show every tenant's rows, and TRUNCATE, REFERENCES and TRIGGER are not subject to
-- policies. What is taken away here is noted, so that the rollback gives back exactly that.
DO $$
DECLARE
  found RECORD;
BEGIN
  FOR found IN
    WITH RECURSIVE isolated AS (
      SELECT c.oid FROM pg_class c WHERE c.relrowsecurity AND c.relnamespace = 'public'::REGNAMESPACE
      UNION
      SELECT r.ev_class
      FROM isolated i
      JOIN pg_depend d ON d.refclassid = 'pg_class'::REGCLASS AND d.refobjid = i.oid AND d.classid = 'pg_rewrite'::REGCLASS
      JOIN pg_rewrite r ON r.oid = d.objid
    )
    SELECT c.oid::REGCLASS::TEXT AS object, COALESCE(option.option_value, 'unset') AS was
    FROM isolated i
    JOIN pg_class c ON c.oid = i.oid AND c.relkind = 'v'
    LEFT JOIN LATERAL pg_options_to_table(c.reloptions) AS option ON option.option_name = 'security_invoker'
    WHERE pg_has_role(c.relowner, 'USAGE')
      AND NOT COALESCE(option.option_value, 'false')::BOOLEAN
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::REGCLASS AND d.objid = c.oid AND d.deptype = 'e')
  LOOP
    INSERT INTO tenant_isolation_undo VALUES ('view', found.object, found.was);
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', found.object);
  END LOOP;

  FOR found IN
    SELECT c.oid::REGCLASS::TEXT AS object, granted.column_name, a.privilege_type, a.is_grantable,
      COALESCE(quote_ident(r.rolname), 'PUBLIC') AS grantee
    FROM pg_class c
    CROSS JOIN LATERAL (
      SELECT c.relacl AS acl, '' AS column_name
      UNION ALL
      SELECT t.attacl, format(' (%I)', t.attname) FROM pg_attribute t WHERE t.attrelid = c.oid AND NOT t.attisdropped
    ) AS granted
    CROSS JOIN LATERAL aclexplode(granted.acl) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::REGNAMESPACE AND c.relrowsecurity
      AND a.grantor = c.relowner AND a.grantee <> c.relowner
      AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
  LOOP
    INSERT INTO tenant_isolation_undo VALUES ('grant', found.object,
      format('%s%s ON %s TO %s%s', found.privilege_type, found.column_name, found.object, found.grantee,
        CASE WHEN found.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END));
    EXECUTE format('REVOKE %s%s ON %s FROM %s', found.privilege_type, found.column_name, found.object, found.grantee);
  END LOOP;
END;
$$;

-- == For the tenants and their operators ===================================================================
-- sluice: step "create the functions for tenants"
-- For operators only: whoever may create tenants could learn which exist.
CREATE FUNCTION create_tenant(
  p_tenant_id VARCHAR, p_project_id VARCHAR, p_name VARCHAR, p_isolation_level isolation_level DEFAULT 'strict'
) RETURNS VARCHAR
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO tenants (id, project_id, name, isolation_level)
  VALUES (p_tenant_id, p_project_id, p_name, p_isolation_level);
  INSERT INTO tenant_privacy_config (tenant_id) VALUES (p_tenant_id);
  RETURN p_tenant_id;
END;
$$;

-- With the caller's rights: a tenant changes its own level, and other tenants do not exist for it (false).
CREATE FUNCTION update_tenant_isolation(p_tenant_id VARCHAR, p_new_level isolation_level) RETURNS BOOLEAN
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE tenants SET isolation_level = p_new_level, updated_at = now() WHERE id = p_tenant_id;
  RETURN FOUND;
END;
$$;

-- Laplace noise of scale sensitivity / epsilon, by the inverse of its distribution. A tenant without settings, or whose
-- settings the caller may not see, gets the default noise: never the raw value.
CREATE FUNCTION add_dp_noise(value NUMERIC, p_tenant_id VARCHAR) RETURNS NUMERIC
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  settings RECORD;
  scale DOUBLE PRECISION := 1.0;
  u DOUBLE PRECISION := random() - 0.5;
BEGIN
  SELECT c.privacy_level, c.noise_magnitude, c.epsilon INTO settings
  FROM tenant_privacy_config c WHERE c.tenant_id = p_tenant_id;
  IF FOUND THEN
    IF settings.privacy_level = 'basic' THEN
      RETURN value;
    END IF;
    scale := settings.noise_magnitude / settings.epsilon;
  END IF;
  -- random() can be 0, whose logarithm would be infinite.
  RETURN value - (scale * sign(u) * ln(GREATEST(1 - 2 * abs(u), 1e-15)))::NUMERIC;
END;
$$;

CREATE FUNCTION check_k_anonymity(group_size INTEGER, p_tenant_id VARCHAR) RETURNS BOOLEAN
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT group_size >= COALESCE((SELECT c.k_anonymity FROM tenant_privacy_config c WHERE c.tenant_id = p_tenant_id), 5)
$$;

-- sluice: step "create the views for tenants"
-- Scalar sub-selects: joining the counted tables to each other would multiply their rows.
CREATE VIEW tenant_statistics WITH (security_invoker = true) AS
SELECT
  t.id AS tenant_id,
  t.name,
  t.isolation_level,
  t.audit_logging,
  (SELECT count(*) FROM agent_profiles a WHERE a.tenant_id = t.id) AS agent_count,
  (SELECT count(*) FROM performance_events e WHERE e.tenant_id = t.id) AS event_count,
  (SELECT count(*) FROM benchmark_datasets b WHERE b.tenant_id = t.id) AS benchmark_count,
  t.created_at
FROM tenants t;

CREATE VIEW cross_tenant_access_summary WITH (security_invoker = true) AS
SELECT
  l.tenant_id, l.accessor_tenant_id, l.access_type,
  count(*) AS access_count, min(l.accessed_at) AS first_access, max(l.accessed_at) AS last_access
FROM tenant_access_log l
WHERE l.accessor_tenant_id <> l.tenant_id
GROUP BY l.tenant_id, l.accessor_tenant_id, l.access_type;

-- sluice: step "give the application its rights"
-- As on agent_profiles: who could read it reads the tenants' tables (its own tenant's rows), who could update it may
-- change what its tenant shares. Nobody else gets anything, whatever default privileges say.
DO $grants$
DECLARE
  relations CONSTANT TEXT[] := ARRAY[
    'tenants', 'tenant_privacy_config', 'tenant_access_log', 'tenant_isolation_undo', 'cross_tenant_attempts',
    'tenant_statistics', 'cross_tenant_access_summary'];
  internal CONSTANT TEXT[] := ARRAY[
    'create_tenant', 'update_tenant_isolation', 'add_dp_noise', 'check_k_anonymity', 'audit_tenant_writes',
    'log_tenant_access', 'note_cross_tenant_attempt', 'note_cross_tenant_write'];
  holder RECORD;
BEGIN
  FOR holder IN
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || c.relname AS object,
      COALESCE(quote_ident(r.rolname), 'PUBLIC') AS grantee
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = ANY (relations::REGCLASS[]) AND a.grantee <> c.relowner
    UNION
    SELECT 'FUNCTION ' || p.oid::REGPROCEDURE, COALESCE(quote_ident(r.rolname), 'PUBLIC')
    FROM pg_proc p
    CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE p.proname = ANY (internal) AND p.pronamespace = 'public'::REGNAMESPACE AND a.grantee <> p.proowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', holder.object, holder.grantee);
  END LOOP;

  FOR holder IN
    SELECT quote_ident(r.rolname) AS grantee, a.privilege_type
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'agent_profiles'::REGCLASS AND a.grantee <> c.relowner AND a.privilege_type IN ('SELECT', 'UPDATE')
  LOOP
    IF holder.privilege_type = 'SELECT' THEN
      EXECUTE format('GRANT SELECT ON tenants, tenant_privacy_config, tenant_access_log,
        tenant_statistics, cross_tenant_access_summary TO %s', holder.grantee);
      EXECUTE format('GRANT EXECUTE ON FUNCTION add_dp_noise(NUMERIC, VARCHAR), check_k_anonymity(INTEGER, VARCHAR) TO %s',
        holder.grantee);
    ELSE
      EXECUTE format('GRANT UPDATE (isolation_level, sharing_rules, updated_at) ON tenants TO %s', holder.grantee);
      EXECUTE format('GRANT UPDATE (privacy_level, noise_magnitude, k_anonymity, epsilon, delta, allow_cross_tenant_learning,
        allowed_tenant_groups, updated_at) ON tenant_privacy_config TO %s', holder.grantee);
      EXECUTE format('GRANT EXECUTE ON FUNCTION update_tenant_isolation(VARCHAR, isolation_level) TO %s', holder.grantee);
    END IF;
  END LOOP;
END;
$grants$;
