-- 006 back: drops what migration 006 created and nothing else. No CASCADE: if something of somebody else's depends on
-- these objects, this stops and says so. Works on a half-applied 006, on one never applied, and again after itself: where
-- knowledge_graph_undo is not there, 006 has created nothing, and what has one of these names is somebody else's.

-- sluice: step "refuse while later migrations stand on this one"
DO $$
BEGIN
  IF to_regclass('tenant_isolation_undo') IS NOT NULL THEN
    RAISE EXCEPTION 'migration 007 stands on 006: roll 007 back first' USING ERRCODE = 'dependent_objects_still_exist';
  END IF;
END;
$$;

-- sluice: step "drop the views and tables"
DO $$
BEGIN
  IF to_regclass('knowledge_graph_undo') IS NOT NULL THEN
    DROP VIEW IF EXISTS caws_provenance_chains;
    DROP VIEW IF EXISTS agent_connectivity;
    DROP VIEW IF EXISTS agent_relationship_summary;
    DROP VIEW IF EXISTS agent_capability_summary;
    DROP TABLE IF EXISTS entity_chunk_mappings;
    DROP TABLE IF EXISTS caws_provenance_graph;
    DROP TABLE IF EXISTS agent_relationships;
    DROP TABLE IF EXISTS agent_capabilities_graph;
  END IF;
END;
$$;

-- sluice: step "drop the functions and types"
DO $$
BEGIN
  IF to_regclass('knowledge_graph_undo') IS NOT NULL THEN
    DROP FUNCTION IF EXISTS protect_provenance();
    DROP FUNCTION IF EXISTS chain_provenance();
    DROP FUNCTION IF EXISTS update_relationship_timestamp();
    DROP FUNCTION IF EXISTS prevent_duplicate_relationships();
    DROP FUNCTION IF EXISTS update_last_updated_column();
    DROP FUNCTION IF EXISTS set_canonical_name();
    DROP FUNCTION IF EXISTS compute_provenance_hash(VARCHAR, VARCHAR, VARCHAR, JSONB);
    DROP FUNCTION IF EXISTS capability_search_vector(TEXT, TEXT[]);
    DROP FUNCTION IF EXISTS normalize_entity_name(TEXT);
    DROP TYPE IF EXISTS relationship_type;
    DROP TYPE IF EXISTS entity_type;
  END IF;
END;
$$;

-- sluice: step "drop pgvector if 006 brought it"
DO $$
DECLARE
  installed_by_us BOOLEAN := false;
BEGIN
  IF to_regclass('knowledge_graph_undo') IS NOT NULL THEN
    SELECT EXISTS (SELECT FROM knowledge_graph_undo WHERE object = 'extension vector') INTO installed_by_us;
    IF installed_by_us THEN
      DROP EXTENSION IF EXISTS vector;
    END IF;
    DROP TABLE knowledge_graph_undo;
  END IF;
END;
$$;
