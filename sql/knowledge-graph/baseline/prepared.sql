-- What the application prepared for migration 006, so that production has something to measure: 600 capabilities with
-- embeddings of 768 numbers, and 2,000 relationships. The same rows every time. It needs pgvector for its arithmetic, and
-- the agents of data.sql. Only the owner reads these tables, as they know no tenants.

CREATE TABLE prepared_capabilities AS
WITH
-- A vector is a subject's, moved by an activity, so near ones exist. Three agents have each capability.
parts AS MATERIALIZED (
  SELECT kind, place, array_agg(hashint4(kind * 1000003 + place * 1009 + i) / 2147483648.0 * size ORDER BY i)::vector(768) AS v
  FROM (VALUES (0, 20, 1.0), (1, 10, 0.4)) AS kinds (kind, total, size),
    LATERAL generate_series(0, total - 1) AS place, generate_series(1, 768) AS i
  GROUP BY kind, place
), capabilities AS (
  SELECT
    subject.place + 20 * activity.place AS place,
    (ARRAY['TypeScript', 'Python', 'Rust', 'Go', 'Java', 'Kotlin', 'Swift', 'C++', 'SQL', 'PostgreSQL', 'GraphQL', 'Kubernetes',
      'Terraform', 'React', 'Vue', 'Kafka', 'Redis', 'Linux', 'Bash', 'AWS'])[1 + subject.place]
      || ' ' || (ARRAY['coding', 'review', 'refactoring', 'testing', 'debugging', 'profiling', 'tuning', 'migration', 'design',
      'security'])[1 + activity.place] || ' skill' AS name,
    (subject.v + activity.v)::REAL[] AS embedding
  FROM parts subject, parts activity WHERE subject.kind = 0 AND activity.kind = 1
)
SELECT
  md5('prepared capability' || n)::UUID AS id, a.id AS agent_id, c.name AS capability_name,
  0.70 + (n % 31) / 100.0 AS confidence, 0.50 + (n % 50) / 100.0 AS extraction_confidence, c.embedding
FROM generate_series(1, 600) AS n
JOIN agent_profiles a ON a.name = 'agent-' || n
JOIN capabilities c ON c.place = n % 200;
ALTER TABLE prepared_capabilities ADD PRIMARY KEY (id);

-- Half of the relationships go to a few well-known agents, as they do in practice.
CREATE TABLE prepared_relationships AS
WITH pairs AS (
  SELECT DISTINCT ON (LEAST(source, target), GREATEST(source, target)) n, source, target
  FROM generate_series(1, 2000) AS n,
    LATERAL (SELECT
      1 + n % 1000 AS source,
      1 + abs(hashint4(-n)) % CASE WHEN n % 2 = 0 THEN 20 ELSE 1000 END AS target) AS ends
  WHERE source <> target
  ORDER BY LEAST(source, target), GREATEST(source, target), n
)
SELECT md5('prepared relationship' || p.n)::UUID AS id, s.id AS source_agent_id, t.id AS target_agent_id,
  (ARRAY['COLLABORATES_WITH', 'SIMILAR_TO', 'VALIDATES', 'DEPENDS_ON', 'INFLUENCES'])[1 + p.n % 5] AS type,
  p.n % 3 = 0 AS is_directional, 0.50 + (p.n % 51) / 100.0 AS confidence
FROM pairs p
JOIN agent_profiles s ON s.name = 'agent-' || p.source
JOIN agent_profiles t ON t.name = 'agent-' || p.target;
ALTER TABLE prepared_relationships ADD PRIMARY KEY (id);

ANALYZE prepared_capabilities;
ANALYZE prepared_relationships;
