-- Rows for the baseline: the same ones every time (hashes instead of random(), fixed timestamps).
-- Settings it reads, all optional:
--   sluice.baseline_agents (10000)   sluice.baseline_events (100000)   sluice.baseline_others (1000)
-- The n-th agent's id is md5('agent' || n): as a uuid where ids are uuids, as those 32 digits where they are varchar.

INSERT INTO agent_profiles
  (id, name, model_family, registered_at, last_active_at, active_tasks, queued_tasks, utilization_percent, created_at, updated_at)
SELECT
  agent.id, 'agent-' || n, (ARRAY['claude', 'gpt', 'gemini', 'llama', 'mistral'])[1 + h % 5],
  seen_at, seen_at + (h % 40) * INTERVAL '1 hour', h % 12, h % 7, (h % 1000) / 10.0, seen_at, seen_at
FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_agents', true), ''), '10000')::INTEGER) AS n
CROSS JOIN LATERAL (SELECT abs(hashint4(n)) AS h, TIMESTAMPTZ '2025-09-01 00:00:00+00' + n * INTERVAL '1 minute' AS seen_at) AS made
-- Through a record, so that one statement fits both types of id.
CROSS JOIN LATERAL jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', md5('agent' || n))) AS agent;

INSERT INTO agent_capabilities (id, agent_id, capability_type, capability_value, created_at)
SELECT
  md5('capability' || n)::UUID, agent.id,
  (ARRAY['task_type', 'language', 'specialization'])[1 + n % 3], 'value-' || n % 40, TIMESTAMPTZ '2025-09-02 00:00:00+00'
FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_agents', true), ''), '10000')::INTEGER) AS n
CROSS JOIN LATERAL jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', md5('agent' || n))) AS agent;

INSERT INTO performance_events
  (id, event_type, timestamp, agent_id, task_id, integrity_hash, latency_metrics, accuracy_metrics, cost_metrics, context,
   created_at, updated_at)
SELECT
  digest::UUID,
  (ARRAY['task_execution_start', 'task_execution_complete', 'routing_decision', 'agent_selection',
         'constitutional_validation', 'evaluation_outcome', 'anomaly_detected', 'system_load_spike'])[1 + h % 8],
  happened_at,
  md5('agent' || 1 + h % agents.total), 'task-' || h % 50000, digest || md5(digest),
  format('{"p50": %s, "p95": %s}', h % 900, h % 9000)::JSONB,
  format('{"score": 0.%s}', 100 + h % 900)::JSONB,
  format('{"tokens": %s, "usd": 0.0%s}', h % 32000, 100 + h % 900)::JSONB,
  format('{"region": "eu-%s", "queue": "q%s"}', h % 4, h % 16)::JSONB,
  happened_at, happened_at
FROM (SELECT count(*)::INTEGER AS total FROM agent_profiles) AS agents,
  generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_events', true), ''), '100000')::INTEGER) AS n,
  LATERAL (SELECT abs(hashint4(n)) AS h, md5('event' || n) AS digest,
             TIMESTAMPTZ '2025-10-01 00:00:00+00' + n * INTERVAL '1 second' AS happened_at) AS made
WHERE agents.total > 0;

INSERT INTO benchmark_datasets (id, name, task_type, test_case_count, baseline_metrics, created_at, updated_at)
SELECT 'dataset-' || n, 'Dataset ' || n, 'type-' || n % 9, 1 + n % 500, '{"accuracy": 0.8}',
  TIMESTAMPTZ '2025-09-10 00:00:00+00', TIMESTAMPTZ '2025-09-10 00:00:00+00'
FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_others', true), ''), '1000')::INTEGER) AS n;

INSERT INTO performance_anomalies
  (id, anomaly_type, severity, agent_id, detected_at, description, impact_assessment, created_at, updated_at)
SELECT md5('anomaly' || n)::UUID, (ARRAY['latency_spike', 'accuracy_drop', 'error_rate_increase'])[1 + n % 3],
  (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4], md5('agent' || n), TIMESTAMPTZ '2025-10-02 00:00:00+00',
  'Anomaly ' || n, '{"users": 3}', TIMESTAMPTZ '2025-10-02 00:00:00+00', TIMESTAMPTZ '2025-10-02 00:00:00+00'
FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_others', true), ''), '1000')::INTEGER) AS n;

INSERT INTO rl_training_batches
  (id, agent_id, sample_count, quality_score, status, training_samples, created_at, updated_at)
SELECT md5('batch' || n)::UUID, md5('agent' || n), 1 + n % 100, (n % 100) / 100.0, 'ready', '[{"reward": 1}]',
  TIMESTAMPTZ '2025-10-03 00:00:00+00', TIMESTAMPTZ '2025-10-03 00:00:00+00'
FROM generate_series(1, COALESCE(NULLIF(current_setting('sluice.baseline_others', true), ''), '1000')::INTEGER) AS n;

ANALYZE agent_profiles;
ANALYZE agent_capabilities;
ANALYZE performance_events;
ANALYZE benchmark_datasets;
ANALYZE performance_anomalies;
ANALYZE rl_training_batches;
