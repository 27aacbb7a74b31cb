-- 007 back: columns, keys, foreign keys, views and grants exactly as they were. Works on a half-applied 007, on one
-- never applied (to the schema that it knows), and again after itself: where tenant_isolation_undo is not there, 007 has
-- changed nothing, and a tenant_id or a policy that is found is somebody else's. No CASCADE: what somebody else built on
-- these objects stops it.
--
-- Once two tenants hold rows with the same id or name there is no way back to keys without the tenant, and the first
-- unique index says so before anything is changed but the isolation itself.

-- sluice: step "refuse while a later migration stands on this one"
DO $$
BEGIN
  IF to_regclass('hybrid_search_undo') IS NOT NULL THEN
    RAISE EXCEPTION 'migration 008 stands on 007: roll 008 back first' USING ERRCODE = 'dependent_objects_still_exist';
  END IF;
END;
$$;

-- == The former keys, built while everything else goes on ==================================================
-- The tables of version 005 may be large, so their former keys are built concurrently, before they are swapped in. Those
-- of 006 may not be there at all, so theirs are built where they are. On a 007 that never came to the swap these
-- indexes are dropped again below.

-- sluice: step "drop what an interrupted rollback left unfinished"
-- IF NOT EXISTS would take an invalid index for a built one.
DO $$
DECLARE
  unfinished RECORD;
BEGIN
  FOR unfinished IN
    SELECT x.indexrelid::REGCLASS AS name
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    WHERE NOT (x.indisvalid AND x.indisready) AND i.relname LIKE '%\_former'
      AND x.indrelid IN (to_regclass('agent_profiles'), to_regclass('agent_capabilities'), to_regclass('performance_events'),
        to_regclass('benchmark_datasets'), to_regclass('performance_anomalies'), to_regclass('rl_training_batches'))
  LOOP
    EXECUTE format('DROP INDEX %s', unfinished.name);
  END LOOP;
END;
$$;

-- sluice: step "build the former primary key of agent_profiles" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS agent_profiles_pkey_former ON agent_profiles (id);

-- sluice: step "build the former unique_agent_name" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS unique_agent_name_former ON agent_profiles (name);

-- sluice: step "build the former primary key of agent_capabilities" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS agent_capabilities_pkey_former ON agent_capabilities (id);

-- sluice: step "build the former unique_agent_capability" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS unique_agent_capability_former ON agent_capabilities (agent_id, capability_type, capability_value);

-- sluice: step "build the former primary key of performance_events" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS performance_events_pkey_former ON performance_events (id);

-- sluice: step "build the former primary key of benchmark_datasets" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS benchmark_datasets_pkey_former ON benchmark_datasets (id);

-- sluice: step "build the former primary key of performance_anomalies" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS performance_anomalies_pkey_former ON performance_anomalies (id);

-- sluice: step "build the former primary key of rl_training_batches" outside transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS rl_training_batches_pkey_former ON rl_training_batches (id);

-- sluice: step "build the former keys of agent_capabilities_graph"
DO $$
BEGIN
  IF to_regclass('agent_capabilities_graph') IS NOT NULL THEN
    CREATE UNIQUE INDEX IF NOT EXISTS agent_capabilities_graph_pkey_former ON agent_capabilities_graph (id);
    CREATE UNIQUE INDEX IF NOT EXISTS unique_agent_capability_graph_former ON agent_capabilities_graph (agent_id, canonical_name);
  END IF;
END;
$$;

-- sluice: step "build the former keys of agent_relationships"
DO $$
BEGIN
  IF to_regclass('agent_relationships') IS NOT NULL THEN
    CREATE UNIQUE INDEX IF NOT EXISTS agent_relationships_pkey_former ON agent_relationships (id);
    CREATE UNIQUE INDEX IF NOT EXISTS unique_relationship_former ON agent_relationships (source_agent_id, target_agent_id, type);
    CREATE UNIQUE INDEX IF NOT EXISTS unique_relationship_forward_former ON agent_relationships
      (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type)
      WHERE NOT is_directional OR source_agent_id < target_agent_id;
    CREATE UNIQUE INDEX IF NOT EXISTS unique_relationship_backward_former ON agent_relationships
      (LEAST(source_agent_id, target_agent_id), GREATEST(source_agent_id, target_agent_id), type)
      WHERE NOT is_directional OR source_agent_id > target_agent_id;
    CREATE INDEX IF NOT EXISTS idx_relationships_source_former ON agent_relationships (source_agent_id);
    CREATE INDEX IF NOT EXISTS idx_relationships_target_former ON agent_relationships (target_agent_id);
  END IF;
END;
$$;

-- sluice: step "build the former keys of caws_provenance_graph"
DO $$
BEGIN
  IF to_regclass('caws_provenance_graph') IS NOT NULL THEN
    CREATE UNIQUE INDEX IF NOT EXISTS caws_provenance_graph_pkey_former ON caws_provenance_graph (id);
    CREATE UNIQUE INDEX IF NOT EXISTS unique_entity_former ON caws_provenance_graph (entity_type, entity_id);
  END IF;
END;
$$;

-- sluice: step "build the former keys of entity_chunk_mappings"
DO $$
BEGIN
  IF to_regclass('entity_chunk_mappings') IS NOT NULL THEN
    CREATE UNIQUE INDEX IF NOT EXISTS entity_chunk_mappings_pkey_former ON entity_chunk_mappings (id);
    CREATE UNIQUE INDEX IF NOT EXISTS unique_entity_chunk_mention_former ON entity_chunk_mappings (entity_id, chunk_id, mention_text);
  END IF;
END;
$$;

-- == Isolation =============================================================================================

-- sluice: step "stop isolating agent_profiles"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('agent_profiles') IS NOT NULL THEN
    ALTER TABLE agent_profiles DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_strict_isolation ON agent_profiles;
    DROP POLICY IF EXISTS tenant_shared_access ON agent_profiles;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON agent_profiles;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON agent_profiles;
    DROP TRIGGER IF EXISTS audit_tenant_update ON agent_profiles;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON agent_profiles;
  END IF;
END;
$$;

-- sluice: step "stop isolating agent_capabilities"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('agent_capabilities') IS NOT NULL THEN
    ALTER TABLE agent_capabilities DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_agent_capability_isolation ON agent_capabilities;
    DROP POLICY IF EXISTS shared_access ON agent_capabilities;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON agent_capabilities;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON agent_capabilities;
    DROP TRIGGER IF EXISTS audit_tenant_update ON agent_capabilities;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON agent_capabilities;
  END IF;
END;
$$;

-- sluice: step "stop isolating performance_events"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('performance_events') IS NOT NULL THEN
    ALTER TABLE performance_events DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_performance_isolation ON performance_events;
    DROP POLICY IF EXISTS tenant_federated_access ON performance_events;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON performance_events;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON performance_events;
    DROP TRIGGER IF EXISTS audit_tenant_update ON performance_events;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON performance_events;
  END IF;
END;
$$;

-- sluice: step "stop isolating benchmark_datasets"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('benchmark_datasets') IS NOT NULL THEN
    ALTER TABLE benchmark_datasets DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_benchmark_isolation ON benchmark_datasets;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON benchmark_datasets;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON benchmark_datasets;
    DROP TRIGGER IF EXISTS audit_tenant_update ON benchmark_datasets;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON benchmark_datasets;
  END IF;
END;
$$;

-- sluice: step "stop isolating performance_anomalies"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('performance_anomalies') IS NOT NULL THEN
    ALTER TABLE performance_anomalies DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_anomaly_isolation ON performance_anomalies;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON performance_anomalies;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON performance_anomalies;
    DROP TRIGGER IF EXISTS audit_tenant_update ON performance_anomalies;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON performance_anomalies;
  END IF;
END;
$$;

-- sluice: step "stop isolating rl_training_batches"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('rl_training_batches') IS NOT NULL THEN
    ALTER TABLE rl_training_batches DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_rl_batch_isolation ON rl_training_batches;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON rl_training_batches;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON rl_training_batches;
    DROP TRIGGER IF EXISTS audit_tenant_update ON rl_training_batches;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON rl_training_batches;
  END IF;
END;
$$;

-- sluice: step "stop isolating agent_capabilities_graph"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('agent_capabilities_graph') IS NOT NULL THEN
    ALTER TABLE agent_capabilities_graph DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_capability_isolation ON agent_capabilities_graph;
    DROP POLICY IF EXISTS shared_access ON agent_capabilities_graph;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON agent_capabilities_graph;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON agent_capabilities_graph;
    DROP TRIGGER IF EXISTS audit_tenant_update ON agent_capabilities_graph;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON agent_capabilities_graph;
  END IF;
END;
$$;

-- sluice: step "stop isolating agent_relationships"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('agent_relationships') IS NOT NULL THEN
    ALTER TABLE agent_relationships DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_relationship_isolation ON agent_relationships;
    DROP POLICY IF EXISTS shared_access ON agent_relationships;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON agent_relationships;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON agent_relationships;
    DROP TRIGGER IF EXISTS audit_tenant_update ON agent_relationships;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON agent_relationships;
  END IF;
END;
$$;

-- sluice: step "stop isolating caws_provenance_graph"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('caws_provenance_graph') IS NOT NULL THEN
    ALTER TABLE caws_provenance_graph DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_provenance_isolation ON caws_provenance_graph;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON caws_provenance_graph;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON caws_provenance_graph;
    DROP TRIGGER IF EXISTS audit_tenant_update ON caws_provenance_graph;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON caws_provenance_graph;
  END IF;
END;
$$;

-- sluice: step "stop isolating entity_chunk_mappings"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass('entity_chunk_mappings') IS NOT NULL THEN
    ALTER TABLE entity_chunk_mappings DISABLE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS tenant_chunk_isolation ON entity_chunk_mappings;
    DROP TRIGGER IF EXISTS note_cross_tenant_write ON entity_chunk_mappings;
    DROP TRIGGER IF EXISTS audit_tenant_delete ON entity_chunk_mappings;
    DROP TRIGGER IF EXISTS audit_tenant_update ON entity_chunk_mappings;
    DROP TRIGGER IF EXISTS audit_tenant_insert ON entity_chunk_mappings;
  END IF;
END;
$$;

-- sluice: step "drop the views and functions for tenants"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NULL THEN
    RETURN;
  END IF;
  DROP VIEW IF EXISTS cross_tenant_access_summary;
  DROP VIEW IF EXISTS tenant_statistics;
  DROP FUNCTION IF EXISTS check_k_anonymity(INTEGER, VARCHAR);
  DROP FUNCTION IF EXISTS add_dp_noise(NUMERIC, VARCHAR);
  -- Their parameters are of a type that a half-applied 007 may not have.
  IF to_regtype('isolation_level') IS NOT NULL THEN
    DROP FUNCTION IF EXISTS update_tenant_isolation(VARCHAR, isolation_level);
    DROP FUNCTION IF EXISTS create_tenant(VARCHAR, VARCHAR, VARCHAR, isolation_level);
  END IF;
END;
$$;

-- sluice: step "give back what was held back"
DO $$
DECLARE
  noted RECORD;
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NULL THEN
    RETURN;
  END IF;
  FOR noted IN DELETE FROM tenant_isolation_undo RETURNING kind, object, note LOOP
    IF to_regclass(noted.object) IS NULL THEN
      CONTINUE;
    ELSIF noted.kind = 'grant' THEN
      EXECUTE 'GRANT ' || noted.note;
    ELSIF noted.note = 'unset' THEN
      EXECUTE format('ALTER VIEW %s RESET (security_invoker)', noted.object);
    ELSE
      EXECUTE format('ALTER VIEW %s SET (security_invoker = %s)', noted.object, noted.note);
    END IF;
  END LOOP;
END;
$$;

-- == Keys and references ===================================================================================
-- sluice: step "create the helpers that restore keys"
-- Each looks at what is there, so that it is right at whatever step 007 stopped. They are dropped at the end.
CREATE OR REPLACE FUNCTION tenant_rollback_knows_tenant(target TEXT, constraint_name TEXT) RETURNS BOOLEAN
LANGUAGE sql STABLE AS $$
  SELECT to_regclass('tenant_isolation_undo') IS NOT NULL AND EXISTS (
    SELECT FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname = 'tenant_id'
    WHERE c.conrelid = to_regclass(target) AND c.conname = constraint_name)
$$;

CREATE OR REPLACE FUNCTION tenant_rollback_drop_reference(target TEXT, constraint_name TEXT) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF tenant_rollback_knows_tenant(target, constraint_name) THEN
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', target, constraint_name);
  END IF;
END;
$$;

CREATE OR REPLACE FUNCTION tenant_rollback_add_reference(
  target TEXT, constraint_name TEXT, column_name TEXT, referenced TEXT, on_delete TEXT
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL AND to_regclass(target) IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_constraint c WHERE c.conrelid = to_regclass(target) AND c.conname = constraint_name
  ) THEN
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %I (id) ON DELETE %s NOT VALID',
      target, constraint_name, column_name, referenced, on_delete);
  END IF;
END;
$$;

CREATE OR REPLACE FUNCTION tenant_rollback_restore_key(target TEXT, constraint_name TEXT, kind TEXT) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass(target) IS NULL THEN
    RETURN;
  ELSIF to_regclass('tenant_isolation_undo') IS NULL THEN
    EXECUTE format('DROP INDEX IF EXISTS %I', constraint_name || '_former');
    RETURN;
  END IF;
  IF tenant_rollback_knows_tenant(target, constraint_name) THEN
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', target, constraint_name);
  END IF;
  IF EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = to_regclass(target) AND c.conname = constraint_name) THEN
    EXECUTE format('DROP INDEX IF EXISTS %I', constraint_name || '_former');
  ELSE
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I %s USING INDEX %I',
      target, constraint_name, kind, constraint_name || '_former');
  END IF;
  EXECUTE format('DROP INDEX IF EXISTS %I', constraint_name || '_by_tenant');
END;
$$;

CREATE OR REPLACE FUNCTION tenant_rollback_restore_index(index_name TEXT) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass(index_name || '_former') IS NULL THEN
    RETURN;
  END IF;
  IF pg_get_indexdef(to_regclass(index_name)) LIKE '%tenant_id%' THEN
    EXECUTE format('DROP INDEX %I', index_name);
  END IF;
  IF to_regclass(index_name) IS NULL THEN
    EXECUTE format('ALTER INDEX %I RENAME TO %I', index_name || '_former', index_name);
  ELSE
    EXECUTE format('DROP INDEX %I', index_name || '_former');
  END IF;
  EXECUTE format('DROP INDEX IF EXISTS %I', index_name || '_by_tenant');
END;
$$;

-- sluice: step "give every table its former keys"
DO $$
BEGIN
  -- First the references that need the tenant-wise keys, then the keys, then the references as they were.
  PERFORM tenant_rollback_drop_reference('agent_capabilities', 'agent_capabilities_agent_id_fkey');
  PERFORM tenant_rollback_drop_reference('agent_capabilities_graph', 'agent_capabilities_graph_agent_id_fkey');
  PERFORM tenant_rollback_drop_reference('agent_relationships', 'agent_relationships_source_agent_id_fkey');
  PERFORM tenant_rollback_drop_reference('agent_relationships', 'agent_relationships_target_agent_id_fkey');
  PERFORM tenant_rollback_drop_reference('caws_provenance_graph', 'caws_provenance_graph_parent_entity_id_fkey');
  PERFORM tenant_rollback_drop_reference('entity_chunk_mappings', 'entity_chunk_mappings_entity_id_fkey');

  PERFORM tenant_rollback_restore_key('agent_profiles', 'agent_profiles_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('agent_profiles', 'unique_agent_name', 'UNIQUE');
  PERFORM tenant_rollback_restore_key('agent_capabilities', 'agent_capabilities_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('agent_capabilities', 'unique_agent_capability', 'UNIQUE');
  PERFORM tenant_rollback_restore_key('performance_events', 'performance_events_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('benchmark_datasets', 'benchmark_datasets_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('performance_anomalies', 'performance_anomalies_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('rl_training_batches', 'rl_training_batches_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('agent_capabilities_graph', 'agent_capabilities_graph_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('agent_capabilities_graph', 'unique_agent_capability_graph', 'UNIQUE');
  PERFORM tenant_rollback_restore_key('agent_relationships', 'agent_relationships_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('agent_relationships', 'unique_relationship', 'UNIQUE');
  PERFORM tenant_rollback_restore_key('caws_provenance_graph', 'caws_provenance_graph_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('caws_provenance_graph', 'unique_entity', 'UNIQUE');
  PERFORM tenant_rollback_restore_key('entity_chunk_mappings', 'entity_chunk_mappings_pkey', 'PRIMARY KEY');
  PERFORM tenant_rollback_restore_key('entity_chunk_mappings', 'unique_entity_chunk_mention', 'UNIQUE');
  PERFORM tenant_rollback_restore_index('unique_relationship_forward');
  PERFORM tenant_rollback_restore_index('unique_relationship_backward');
  PERFORM tenant_rollback_restore_index('idx_relationships_source');
  PERFORM tenant_rollback_restore_index('idx_relationships_target');

  PERFORM tenant_rollback_add_reference('agent_capabilities', 'agent_capabilities_agent_id_fkey', 'agent_id', 'agent_profiles', 'CASCADE');
  PERFORM tenant_rollback_add_reference('agent_capabilities_graph', 'agent_capabilities_graph_agent_id_fkey', 'agent_id', 'agent_profiles', 'CASCADE');
  PERFORM tenant_rollback_add_reference('agent_relationships', 'agent_relationships_source_agent_id_fkey', 'source_agent_id', 'agent_profiles', 'CASCADE');
  PERFORM tenant_rollback_add_reference('agent_relationships', 'agent_relationships_target_agent_id_fkey', 'target_agent_id', 'agent_profiles', 'CASCADE');
  PERFORM tenant_rollback_add_reference('caws_provenance_graph', 'caws_provenance_graph_parent_entity_id_fkey', 'parent_entity_id', 'caws_provenance_graph', 'RESTRICT');
  PERFORM tenant_rollback_add_reference('entity_chunk_mappings', 'entity_chunk_mappings_entity_id_fkey', 'entity_id', 'agent_capabilities_graph', 'CASCADE');
END;
$$;

-- sluice: step "validate the former agent_capabilities_agent_id_fkey"
ALTER TABLE agent_capabilities VALIDATE CONSTRAINT agent_capabilities_agent_id_fkey;

-- sluice: step "validate the former agent_capabilities_graph_agent_id_fkey"
DO $$
BEGIN
  IF to_regclass('agent_capabilities_graph') IS NOT NULL THEN
    ALTER TABLE agent_capabilities_graph VALIDATE CONSTRAINT agent_capabilities_graph_agent_id_fkey;
  END IF;
END;
$$;

-- sluice: step "validate the former agent_relationships_source_agent_id_fkey"
DO $$
BEGIN
  IF to_regclass('agent_relationships') IS NOT NULL THEN
    ALTER TABLE agent_relationships VALIDATE CONSTRAINT agent_relationships_source_agent_id_fkey;
  END IF;
END;
$$;

-- sluice: step "validate the former agent_relationships_target_agent_id_fkey"
DO $$
BEGIN
  IF to_regclass('agent_relationships') IS NOT NULL THEN
    ALTER TABLE agent_relationships VALIDATE CONSTRAINT agent_relationships_target_agent_id_fkey;
  END IF;
END;
$$;

-- sluice: step "validate the former caws_provenance_graph_parent_entity_id_fkey"
DO $$
BEGIN
  IF to_regclass('caws_provenance_graph') IS NOT NULL THEN
    ALTER TABLE caws_provenance_graph VALIDATE CONSTRAINT caws_provenance_graph_parent_entity_id_fkey;
  END IF;
END;
$$;

-- sluice: step "validate the former entity_chunk_mappings_entity_id_fkey"
DO $$
BEGIN
  IF to_regclass('entity_chunk_mappings') IS NOT NULL THEN
    ALTER TABLE entity_chunk_mappings VALIDATE CONSTRAINT entity_chunk_mappings_entity_id_fkey;
  END IF;
END;
$$;

-- == The column ============================================================================================
-- Its index, its foreign key and what a half-applied 007 left of its keys go with it.

-- sluice: step "drop tenant_id of agent_profiles"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS agent_profiles DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of agent_capabilities"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS agent_capabilities DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of performance_events"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS performance_events DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of benchmark_datasets"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS benchmark_datasets DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of performance_anomalies"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS performance_anomalies DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of rl_training_batches"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS rl_training_batches DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of agent_capabilities_graph"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS agent_capabilities_graph DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of agent_relationships"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS agent_relationships DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of caws_provenance_graph"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS caws_provenance_graph DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- sluice: step "drop tenant_id of entity_chunk_mappings"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    ALTER TABLE IF EXISTS entity_chunk_mappings DROP COLUMN IF EXISTS tenant_id;
  END IF;
END;
$$;

-- == The rest ==============================================================================================
-- sluice: step "drop the tenants' tables, functions and types"
DROP FUNCTION IF EXISTS tenant_rollback_restore_index(TEXT);
DROP FUNCTION IF EXISTS tenant_rollback_restore_key(TEXT, TEXT, TEXT);
DROP FUNCTION IF EXISTS tenant_rollback_add_reference(TEXT, TEXT, TEXT, TEXT, TEXT);
DROP FUNCTION IF EXISTS tenant_rollback_drop_reference(TEXT, TEXT);
DROP FUNCTION IF EXISTS tenant_rollback_knows_tenant(TEXT, TEXT);
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    DROP FUNCTION IF EXISTS audit_tenant_writes(REGCLASS);
    DROP FUNCTION IF EXISTS note_cross_tenant_write();
    DROP FUNCTION IF EXISTS note_cross_tenant_attempt(TEXT, TEXT, TEXT);
    DROP FUNCTION IF EXISTS log_tenant_access();
    DROP TABLE IF EXISTS tenant_access_log;
    DROP SEQUENCE IF EXISTS cross_tenant_attempts;
    DROP TABLE IF EXISTS tenant_privacy_config;
    DROP TABLE IF EXISTS tenants;
    DROP FUNCTION IF EXISTS federated_tenants_open_to_me();
    DROP FUNCTION IF EXISTS tenants_sharing_with_me();
    DROP TYPE IF EXISTS retention_policy;
    DROP TYPE IF EXISTS privacy_level;
    DROP TYPE IF EXISTS isolation_level;
    DROP TABLE tenant_isolation_undo;
  END IF;
END;
$$;
