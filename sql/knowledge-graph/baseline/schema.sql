-- The V2 schema at version 005: where local rehearsals start from. Never sent to a deployed database.
--
-- Run by the role that owns the database (as RDS's master would: no superuser). Settings it reads:
--   sluice.baseline_agent_id = 'uuid' (default) | 'varchar'    the type of agent_profiles.id; both exist in the wild

-- The application's roles own nothing. The owner is a member of them, so that checks can be run as each.
DO $$
DECLARE
  role_name TEXT;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['v2_app', 'v2_readonly'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
    IF NOT pg_has_role(current_user, role_name, 'USAGE') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
    END IF;
  END LOOP;
END;
$$;

CREATE TABLE schema_migrations (
  version VARCHAR(10) PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END;
$$;

DO $$
DECLARE
  agent_id_type TEXT := CASE COALESCE(NULLIF(current_setting('sluice.baseline_agent_id', true), ''), 'uuid')
    WHEN 'uuid' THEN 'UUID'
    WHEN 'varchar' THEN 'VARCHAR(255)'
  END;
BEGIN
  IF agent_id_type IS NULL THEN
    RAISE EXCEPTION 'sluice.baseline_agent_id must be uuid or varchar';
  END IF;
  EXECUTE format($sql$
    CREATE TABLE agent_profiles (
      id %1$s PRIMARY KEY DEFAULT gen_random_uuid(),
      name VARCHAR(255) NOT NULL,
      model_family VARCHAR(50) NOT NULL,
      registered_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      last_active_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      active_tasks INTEGER NOT NULL DEFAULT 0 CHECK (active_tasks >= 0),
      queued_tasks INTEGER NOT NULL DEFAULT 0 CHECK (queued_tasks >= 0),
      utilization_percent NUMERIC(5, 2) NOT NULL DEFAULT 0
        CHECK (utilization_percent BETWEEN 0 AND 100),
      created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      CONSTRAINT unique_agent_name UNIQUE (name)
    );

    -- The routing table of version 001. Its constraint has the name that migration 006 would like to use.
    CREATE TABLE agent_capabilities (
      id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
      agent_id %1$s NOT NULL REFERENCES agent_profiles (id) ON DELETE CASCADE,
      capability_type VARCHAR(50) NOT NULL,
      capability_value VARCHAR(100) NOT NULL,
      created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      CONSTRAINT unique_agent_capability UNIQUE (agent_id, capability_type, capability_value)
    );
  $sql$, agent_id_type);
END;
$$;

CREATE INDEX idx_agent_profiles_last_active ON agent_profiles (last_active_at DESC);
CREATE INDEX idx_agent_profiles_utilization ON agent_profiles (utilization_percent) WHERE active_tasks < 10;
CREATE INDEX idx_agent_capabilities_lookup ON agent_capabilities (capability_type, capability_value);

CREATE TABLE performance_events (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  event_type VARCHAR(50) NOT NULL CHECK (event_type IN (
    'task_execution_start', 'task_execution_complete', 'routing_decision', 'agent_selection',
    'constitutional_validation', 'evaluation_outcome', 'anomaly_detected', 'system_load_spike'
  )),
  timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
  agent_id VARCHAR(255),
  task_id VARCHAR(255),
  integrity_hash VARCHAR(128) NOT NULL,
  latency_metrics JSONB,
  accuracy_metrics JSONB,
  cost_metrics JSONB,
  context JSONB,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_performance_events_timestamp ON performance_events (timestamp DESC);
CREATE INDEX idx_performance_events_agent_id ON performance_events (agent_id);
CREATE INDEX idx_performance_events_event_type ON performance_events (event_type);

CREATE TABLE benchmark_datasets (
  id VARCHAR(255) PRIMARY KEY CHECK (id ~ '^[a-zA-Z0-9_-]+$'),
  name VARCHAR(500) NOT NULL,
  description TEXT,
  task_type VARCHAR(255) NOT NULL,
  version VARCHAR(50) NOT NULL DEFAULT '1.0.0',
  test_case_count INTEGER NOT NULL CHECK (test_case_count > 0),
  is_active BOOLEAN NOT NULL DEFAULT true,
  baseline_metrics JSONB NOT NULL,
  checksum VARCHAR(128),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_benchmark_datasets_task_type ON benchmark_datasets (task_type);
CREATE INDEX idx_benchmark_datasets_active ON benchmark_datasets (is_active) WHERE is_active;

CREATE TABLE performance_anomalies (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  anomaly_type VARCHAR(50) NOT NULL CHECK (anomaly_type IN (
    'latency_spike', 'accuracy_drop', 'error_rate_increase', 'resource_saturation', 'constitutional_violation_spike'
  )),
  severity VARCHAR(20) NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
  agent_id VARCHAR(255),
  detected_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  description TEXT NOT NULL,
  impact_assessment JSONB NOT NULL,
  status VARCHAR(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'investigating', 'resolved', 'false_positive')),
  resolved_at TIMESTAMPTZ,
  related_event_ids UUID[],
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CONSTRAINT performance_anomalies_resolution_check
    CHECK (status NOT IN ('resolved', 'false_positive') OR resolved_at IS NOT NULL)
);

CREATE INDEX idx_performance_anomalies_status_severity ON performance_anomalies (status, severity);
CREATE INDEX idx_performance_anomalies_agent ON performance_anomalies (agent_id);

CREATE TABLE rl_training_batches (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  agent_id VARCHAR(255) NOT NULL,
  sample_count INTEGER NOT NULL CHECK (sample_count > 0),
  quality_score NUMERIC(3, 2) NOT NULL CHECK (quality_score BETWEEN 0 AND 1),
  status VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'ready', 'consumed', 'expired')),
  training_samples JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_rl_training_batches_agent_status ON rl_training_batches (agent_id, status);
CREATE INDEX idx_rl_training_batches_quality ON rl_training_batches (quality_score DESC) WHERE status = 'ready';

CREATE TRIGGER update_agent_profiles_updated_at BEFORE UPDATE ON agent_profiles
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_performance_events_updated_at BEFORE UPDATE ON performance_events
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_benchmark_datasets_updated_at BEFORE UPDATE ON benchmark_datasets
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_performance_anomalies_updated_at BEFORE UPDATE ON performance_anomalies
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_rl_training_batches_updated_at BEFORE UPDATE ON rl_training_batches
  FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- A view as applications have them: it runs with its owner's rights, so row security alone would not hold it back.
CREATE VIEW available_agents AS
SELECT ap.id, ap.name, ap.model_family, ap.utilization_percent, ap.last_active_at
FROM agent_profiles ap
WHERE ap.utilization_percent < 80;

COMMENT ON TABLE agent_profiles IS 'Core agent information and current load';
COMMENT ON TABLE performance_events IS 'Raw performance events of all agent interactions';
COMMENT ON COLUMN agent_profiles.utilization_percent IS 'Current utilization, 0 to 100';

GRANT USAGE ON SCHEMA public TO v2_app, v2_readonly;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON agent_profiles, agent_capabilities, performance_events, benchmark_datasets, performance_anomalies, rl_training_batches
  TO v2_app;
GRANT SELECT
  ON agent_profiles, agent_capabilities, performance_events, benchmark_datasets, performance_anomalies, rl_training_batches,
     available_agents
  TO v2_readonly;
GRANT SELECT ON available_agents TO v2_app;

INSERT INTO schema_migrations (version, name, applied_at) VALUES
  ('001', 'create_agent_registry_tables', '2025-09-01 09:00:00+00'),
  ('002', 'create_task_queue_tables', '2025-09-08 09:00:00+00'),
  ('003', 'create_knowledge_tables', '2025-09-15 09:00:00+00'),
  ('004', 'create_performance_tracking_tables', '2025-09-22 09:00:00+00'),
  ('005', 'task_research_provenance', '2025-09-29 09:00:00+00');
