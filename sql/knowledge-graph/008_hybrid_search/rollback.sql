-- 008 back: drops what migration 008 created and nothing else. No CASCADE: if something of somebody else's depends on
-- these objects, this stops and says so. Works on a half-applied 008, on one never applied, and again after itself: where
-- hybrid_search_undo is not there, 008 has created nothing, and what has one of these names is somebody else's.

-- sluice: step "drop the views, functions and tables"
DO $$
BEGIN
  IF to_regclass('hybrid_search_undo') IS NULL THEN
    RETURN;
  END IF;
  DROP VIEW IF EXISTS search_performance_by_type;
  DROP VIEW IF EXISTS popular_search_queries;
  DROP VIEW IF EXISTS slow_search_queries;
  DROP FUNCTION IF EXISTS log_search_session(TEXT, VARCHAR, INTEGER, INTEGER, VARCHAR, JSONB);
  DROP TABLE IF EXISTS graph_search_sessions;
  DROP FUNCTION IF EXISTS hybrid_search(vector, TEXT, INTEGER, INTEGER, VARCHAR[], VARCHAR, NUMERIC);
  DROP FUNCTION IF EXISTS find_similar_caws_verdicts(vector, VARCHAR, INTEGER);
  DROP FUNCTION IF EXISTS find_similar_capabilities(vector, VARCHAR, INTEGER, NUMERIC);
  DROP FUNCTION IF EXISTS nearest_rows(REGCLASS, vector, TEXT[], TEXT, INTEGER, INTEGER, INTEGER);
  DROP FUNCTION IF EXISTS searchable_tenants(TEXT, TEXT);
  DROP FUNCTION IF EXISTS compute_agent_centrality();
  DROP FUNCTION IF EXISTS find_agent_path(TEXT, TEXT, INTEGER);
  DROP FUNCTION IF EXISTS traverse_agent_relationships(TEXT, INTEGER, NUMERIC, relationship_type[], INTEGER);
  DROP FUNCTION IF EXISTS refresh_hybrid_search_index();
  DROP MATERIALIZED VIEW IF EXISTS hybrid_search_materialized;
  DROP VIEW IF EXISTS hybrid_search_index;
  DROP TABLE hybrid_search_undo;
END;
$$;
