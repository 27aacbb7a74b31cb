-- Checks of 007. They hold at any later time too, after 008 as well. What they insert is rolled back.
-- The isolation checks go by the catalog, not by a list: a table, view or function added later is tried like the others.

-- sluice: check "the tenants' tables, views and enums exist"
SELECT wanted.name, COALESCE(to_regclass('public.' || wanted.name)::TEXT, to_regtype('public.' || wanted.name)::TEXT) IS NOT NULL AS passed,
  'exists' AS expected,
  COALESCE(to_regclass('public.' || wanted.name)::TEXT, to_regtype('public.' || wanted.name)::TEXT, 'nothing') AS seen
FROM (VALUES ('tenants'), ('tenant_privacy_config'), ('tenant_access_log'), ('tenant_statistics'),
  ('isolation_level'), ('privacy_level'), ('retention_policy')) AS wanted (name);

-- sluice: check "the default tenant exists and is strict"
SELECT count(*) = 1 AS passed, 'strict, with privacy settings' AS expected,
  COALESCE(max(t.isolation_level::TEXT), 'nothing') || CASE WHEN count(c.tenant_id) = 1 THEN ', with privacy settings' ELSE '' END AS seen
FROM tenants t
JOIN tenant_privacy_config c ON c.tenant_id = t.id
WHERE t.id = 'default-tenant' AND t.isolation_level = 'strict';

-- sluice: check "every table of the plan has a tenant_id that cannot be null, with a valid foreign key and an index"
SELECT wanted.name, t.problems IS NULL AS passed, 'complete' AS expected, COALESCE(t.problems, 'complete') AS seen
FROM (VALUES ('agent_profiles'), ('agent_capabilities'), ('performance_events'), ('benchmark_datasets'), ('performance_anomalies'),
  ('rl_training_batches'), ('agent_capabilities_graph'), ('agent_relationships'), ('caws_provenance_graph'),
  ('entity_chunk_mappings')) AS wanted (name)
LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || wanted.name) AND a.attname = 'tenant_id' AND NOT a.attisdropped
CROSS JOIN LATERAL (
  SELECT NULLIF(concat_ws(', ',
    CASE WHEN a.attnum IS NULL THEN 'no column' END,
    CASE WHEN NOT a.attnotnull THEN 'nullable' END,
    CASE WHEN NOT a.atthasdef THEN 'no default' END,
    CASE WHEN NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'f'
      AND c.confrelid = 'public.tenants'::REGCLASS AND c.conkey = ARRAY[a.attnum] AND c.convalidated) THEN 'no valid foreign key' END,
    CASE WHEN NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = a.attrelid
      AND x.indkey[0] = a.attnum AND x.indisvalid) THEN 'no index' END), '') AS problems
) AS t;

-- sluice: check "no agent is without a tenant"
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen FROM agent_profiles WHERE tenant_id IS NULL;

-- sluice: check "row security is on, and not forced, wherever there is a tenant_id"
-- Forced, it would keep the owner's pg_dump from the rows.
SELECT c.oid::REGCLASS::TEXT AS name, c.relrowsecurity AND NOT c.relforcerowsecurity AND count(p.oid) > 0 AS passed,
  'on, with policies' AS expected,
  CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'on' ELSE 'off' END || ', ' || count(p.oid) || ' policies' AS seen
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::REGNAMESPACE
GROUP BY c.oid, c.relrowsecurity, c.relforcerowsecurity;

-- sluice: check "every policy asks who the tenant is"
-- A policy that lets everything through would pass unnoticed on a table that is still empty.
SELECT count(*) = 0 AS passed, 'every one' AS expected,
  COALESCE(string_agg(format('%I on %s does not', p.polname, p.polrelid::REGCLASS), '; '), 'every one') AS seen
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid AND c.relnamespace = 'public'::REGNAMESPACE
CROSS JOIN LATERAL (VALUES (pg_get_expr(p.polqual, p.polrelid)), (pg_get_expr(p.polwithcheck, p.polrelid))) AS e (expression)
WHERE p.polpermissive
  AND e.expression !~ 'current_setting\(''app\.current_tenant''|tenants_sharing_with_me\(\)|federated_tenants_open_to_me\(\)';

-- sluice: check "every index of the tenants' rows is valid"
SELECT count(*) FILTER (WHERE NOT (x.indisvalid AND x.indisready)) = 0 AS passed, 'no invalid index' AS expected,
  COALESCE(string_agg(x.indexrelid::REGCLASS::TEXT, ', ') FILTER (WHERE NOT (x.indisvalid AND x.indisready)), 'no invalid index') AS seen
FROM pg_index x
JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped;

-- sluice: check "no key reaches across tenants"
-- A unique key without the tenant tells that another tenant has such a row; a foreign key without it lets rows be
-- attached to another tenant's.
SELECT count(*) = 0 AS passed, 'none' AS expected, COALESCE(string_agg(k.name, ', '), 'none') AS seen
FROM (
  SELECT x.indexrelid::REGCLASS::TEXT AS name
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indrelid AND c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::REGNAMESPACE
  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
  -- Columns that an index merely includes do not make a key of it.
  WHERE (x.indisunique OR x.indisexclusion) AND NOT a.attnum = ANY ((x.indkey::INT2[])[0:x.indnkeyatts - 1])
    -- Written by triggers only, with ids made by the server.
    AND c.oid <> 'public.tenant_access_log'::REGCLASS
  UNION ALL
  SELECT f.conrelid::REGCLASS || '.' || f.conname
  FROM pg_constraint f
  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
  JOIN pg_attribute r ON r.attrelid = f.confrelid AND r.attname = 'tenant_id' AND NOT r.attisdropped
  WHERE f.contype = 'f'
    AND NOT COALESCE(array_position(f.conkey, a.attnum) = array_position(f.confkey, r.attnum), false)
) AS k;

-- sluice: check "nothing that an application can reach escapes row security"
-- For everybody who is not the owner: tables have it, views on them run with the reader's rights, materialized views and
-- sequences (which have none) are out of reach, and so is what policies do not govern. Functions that run as their owner
-- are not held back by it, so each is named here once somebody has looked that it keeps to the caller's tenant.
-- A table that holds no tenant's rows is named here, and in the check below that tries everything.
WITH RECURSIVE isolated AS (
  SELECT c.oid FROM pg_class c WHERE c.relrowsecurity
  UNION
  SELECT r.ev_class
  FROM isolated i
  JOIN pg_depend d ON d.refclassid = 'pg_class'::REGCLASS AND d.refobjid = i.oid AND d.classid = 'pg_rewrite'::REGCLASS
  JOIN pg_rewrite r ON r.oid = d.objid
), reachable AS (
  SELECT c.oid, c.relkind, c.relrowsecurity, c.reloptions, COALESCE(r.rolname, 'PUBLIC') AS grantee,
    array_agg(DISTINCT a.privilege_type) AS privileges
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT c.relacl AS acl
    UNION ALL
    SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid AND NOT t.attisdropped
  ) AS granted
  CROSS JOIN LATERAL aclexplode(granted.acl) AS a
  LEFT JOIN pg_roles r ON r.oid = a.grantee
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'sluice') AND n.nspname NOT LIKE 'pg\_%'
    AND a.grantee <> c.relowner AND c.relname <> ALL (ARRAY['schema_migrations'])
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::REGCLASS AND d.objid = c.oid AND d.deptype = 'e')
  GROUP BY c.oid, r.rolname
), callable AS (
  SELECT p.*
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sluice') AND n.nspname NOT LIKE 'pg\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::REGCLASS AND d.objid = p.oid AND d.deptype = 'e')
), problems AS (
  SELECT r.oid::REGCLASS::TEXT AS object, r.grantee,
    CASE
      WHEN r.relkind IN ('r', 'p') AND NOT r.relrowsecurity THEN 'a table without row security'
      WHEN r.relkind IN ('r', 'p') AND r.privileges && ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER'] THEN 'rights that policies do not govern'
      WHEN r.relkind = 'v' AND r.oid IN (SELECT i.oid FROM isolated i) AND NOT COALESCE((
        SELECT o.option_value::BOOLEAN FROM pg_options_to_table(r.reloptions) o WHERE o.option_name = 'security_invoker'), false)
        THEN 'a view with its owner''s rights'
      WHEN r.relkind = 'm' THEN 'a materialized view'
      WHEN r.relkind = 'S' THEN 'a sequence'
      WHEN r.relkind = 'f' THEN 'a foreign table'
    END AS problem
  FROM reachable r
  UNION ALL
  SELECT p.oid::REGPROCEDURE::TEXT, 'whoever may call it', 'runs as its owner without a fixed search_path'
  FROM callable p
  WHERE NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s LIKE 'search_path=%')
  UNION ALL
  SELECT p.oid::REGPROCEDURE::TEXT, 'whoever may call it', 'runs as its owner and is not one of those that were looked at'
  FROM callable p
  WHERE p.prorettype <> ALL (ARRAY['trigger', 'event_trigger']::REGTYPE[])
    AND p.oid::REGPROC::TEXT <> ALL (ARRAY['tenants_sharing_with_me', 'federated_tenants_open_to_me', 'hybrid_search',
      'find_similar_capabilities', 'find_similar_caws_verdicts', 'refresh_hybrid_search_index'])
    AND EXISTS (
      SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee <> p.proowner)
)
SELECT count(*) = 0 AS passed, 'nothing' AS expected,
  COALESCE(string_agg(format('%s: %s (%s)', p.object, p.problem, p.grantee), '; '), 'nothing') AS seen
FROM problems p
WHERE p.problem IS NOT NULL;

-- sluice: check "row security applies" as each application role
SELECT c.oid::REGCLASS::TEXT AS name, row_security_active(c.oid) AS passed, 'active' AS expected,
  CASE WHEN row_security_active(c.oid) THEN 'active' ELSE 'not active: owner, superuser or BYPASSRLS' END AS seen
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relnamespace = 'public'::REGNAMESPACE;

-- sluice: check "a tenant that does not exist sees no agent" as each application role
SELECT set_config('app.current_tenant', 'non-existent-tenant', true);
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen FROM agent_profiles;

-- sluice: check "without a tenant there is no agent to see" as each application role
SELECT set_config('app.current_tenant', '', true);
SELECT count(*) = 0 AS passed, '0' AS expected, count(*)::TEXT AS seen FROM agent_profiles;

-- sluice: check "the default tenant sees every agent that was there"
CREATE FUNCTION pg_temp.seen_by(role_name TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
  before TEXT := current_setting('role');
  found BIGINT;
BEGIN
  PERFORM set_config('app.current_tenant', 'default-tenant', true), set_config('role', role_name, true);
  SELECT count(*) INTO found FROM agent_profiles;
  PERFORM set_config('role', before, true), set_config('app.current_tenant', '', true);
  RETURN found;
END;
$$;
-- One more, so that there is one to see in an empty database, too.
INSERT INTO agent_profiles (id, name, model_family)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check', 'check';
SELECT holder.rolname AS name, t.seen = t.expected AS passed, t.expected::TEXT, t.seen::TEXT
FROM (
  SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
  WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner AND a.privilege_type = 'SELECT'
    AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
) AS holder
CROSS JOIN LATERAL (
  SELECT pg_temp.seen_by(holder.rolname) AS seen, (SELECT count(*) FROM agent_profiles WHERE tenant_id = 'default-tenant') AS expected
) AS t;

-- sluice: check "two tenants cannot see, change or find out about each other, by any relation or function"
-- Two tenants get a row in every table of the plan. Then each role that was given anything tries everything that the
-- catalog says it can reach, reading and writing: as the one tenant, as one that does not exist, and as none.
CREATE FUNCTION pg_temp.fill(tenant TEXT) RETURNS TEXT[] LANGUAGE plpgsql AS $$
DECLARE
  marks TEXT[];
BEGIN
  PERFORM create_tenant(tenant::VARCHAR, 'sluice-check', tenant::VARCHAR);
  PERFORM set_config('app.current_tenant', tenant, true);
  INSERT INTO agent_profiles (id, name, model_family)
  SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, tenant || '-agent-' || n, 'check'
  FROM generate_series(1, 3) AS n;
  INSERT INTO agent_capabilities (agent_id, capability_type, capability_value)
  SELECT a.id, 'check', tenant FROM agent_profiles a WHERE a.name = tenant || '-agent-1';
  INSERT INTO performance_events (event_type, agent_id, integrity_hash) VALUES ('routing_decision', tenant, tenant);
  INSERT INTO benchmark_datasets (id, name, task_type, test_case_count, baseline_metrics) VALUES (tenant, tenant, 'check', 1, '{}');
  INSERT INTO performance_anomalies (anomaly_type, severity, agent_id, description, impact_assessment)
  VALUES ('latency_spike', 'low', tenant, tenant, '{}');
  INSERT INTO rl_training_batches (agent_id, sample_count, quality_score, training_samples) VALUES (tenant, 1, 1, '[]');
  INSERT INTO agent_capabilities_graph (agent_id, capability_name, confidence, extraction_confidence, embedding)
  SELECT a.id, tenant || ' capability', 0.9, 0.9, array_fill(0.5, ARRAY[768])::vector FROM agent_profiles a WHERE a.name LIKE tenant || '-agent-%';
  INSERT INTO agent_relationships (source_agent_id, target_agent_id, type, confidence)
  SELECT s.id, t.id, 'VALIDATES', 0.9 FROM agent_profiles s, agent_profiles t
  WHERE s.name = tenant || '-agent-1' AND t.name = tenant || '-agent-2';
  INSERT INTO caws_provenance_graph (entity_type, entity_id, signature, embedding)
  VALUES ('verdict', tenant, 's', array_fill(0.5, ARRAY[768])::vector);
  INSERT INTO entity_chunk_mappings (entity_id, chunk_id, chunk_type, mention_text, extraction_method, extraction_confidence)
  SELECT c.id, gen_random_uuid(), 'task', tenant, 'manual', 1 FROM agent_capabilities_graph c WHERE c.capability_name = tenant || ' capability' LIMIT 1;
  IF to_regclass('graph_search_sessions') IS NOT NULL THEN
    PERFORM log_search_session(tenant, 'text', 0, 0);
  END IF;
  -- By these its rows are recognised wherever they turn up.
  SELECT array_agg(m.mark) INTO marks FROM (
    SELECT '%' || tenant || '%' AS mark
    UNION ALL SELECT '%' || a.id || '%' FROM agent_profiles a WHERE a.name LIKE tenant || '-agent-%'
    UNION ALL SELECT '%' || c.id || '%' FROM agent_capabilities_graph c WHERE c.capability_name = tenant || ' capability'
    UNION ALL SELECT '%' || p.id || '%' FROM caws_provenance_graph p WHERE p.entity_id = tenant
  ) AS m;
  PERFORM set_config('app.current_tenant', '', true);
  RETURN marks;
END;
$$;
-- One statement as one role and tenant; its count, or what the server said. Nothing of it stays.
CREATE FUNCTION pg_temp.try(role_name TEXT, tenant TEXT, statement TEXT, marks TEXT[]) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  found BIGINT;
  rows_changed BIGINT;
BEGIN
  BEGIN
    PERFORM set_config('app.current_tenant', tenant, true), set_config('enable_seqscan', 'off', true),
      set_config('role', role_name, true);
    IF statement LIKE 'SELECT%' THEN
      EXECUTE statement INTO found USING marks;
    ELSE
      EXECUTE statement;
      GET DIAGNOSTICS rows_changed = ROW_COUNT;
      found := rows_changed;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'SLUCK', MESSAGE = found::TEXT;
  EXCEPTION
    WHEN SQLSTATE 'SLUCK' THEN
      RETURN SQLERRM;
    WHEN insufficient_privilege OR restrict_violation THEN
      RETURN 'refused';
    WHEN OTHERS THEN
      RETURN SQLSTATE || ' ' || SQLERRM;
  END;
END;
$$;
CREATE FUNCTION pg_temp.probe() RETURNS TABLE (name TEXT, passed BOOLEAN, expected TEXT, seen TEXT) LANGUAGE plpgsql AS $$
DECLARE
  own_marks TEXT[] := pg_temp.fill('sluice-check-a');
  other_marks TEXT[] := pg_temp.fill('sluice-check-b');
  other_agent TEXT := (SELECT a.id::TEXT FROM agent_profiles a WHERE a.name = 'sluice-check-b-agent-1');
  holder RECORD;
  target RECORD;
  asking RECORD;
  own_row JSONB;
  own_rows TEXT;
  call TEXT;
BEGIN
  FOR holder IN
    SELECT DISTINCT r.rolname
    FROM pg_class c
    CROSS JOIN LATERAL (
      SELECT c.relacl AS acl
      UNION ALL
      SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid AND NOT t.attisdropped
    ) AS granted
    CROSS JOIN LATERAL aclexplode(granted.acl) AS a
    JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.relnamespace = 'public'::REGNAMESPACE AND a.grantee <> c.relowner
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
    ORDER BY 1
  LOOP
    FOR target IN
      SELECT c.oid, c.oid::REGCLASS::TEXT AS relation, c.relkind, tenant.attname AS tenant_column,
        has_column_privilege(holder.rolname, c.oid, tenant.attnum, 'SELECT') AS knows_tenant,
        has_column_privilege(holder.rolname, c.oid, tenant.attnum, 'UPDATE') AS moves_tenant,
        readable.columns AS readable, resettable.column_name AS resettable, insertable.columns AS insertable
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_attribute tenant ON tenant.attrelid = c.oid AND NOT tenant.attisdropped
        AND tenant.attname = CASE WHEN c.oid = 'public.tenants'::REGCLASS THEN 'id' ELSE 'tenant_id' END
      CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND has_column_privilege(holder.rolname, c.oid, a.attnum, 'SELECT')
      ) AS readable
      CROSS JOIN LATERAL (
        SELECT min(quote_ident(a.attname)) AS column_name
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
          AND (a.atthasdef OR NOT a.attnotnull) AND has_column_privilege(holder.rolname, c.oid, a.attnum, 'UPDATE')
      ) AS resettable
      CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> tenant.attname
      ) AS insertable
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sluice')
        AND n.nspname NOT LIKE 'pg\_%' AND c.relname <> ALL (ARRAY['schema_migrations'])
        AND has_schema_privilege(holder.rolname, n.oid, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::REGCLASS AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 2
    LOOP
      IF target.readable IS NOT NULL THEN
        RETURN QUERY SELECT format('%s reads %s as %s', holder.rolname, target.relation, t.who), t.seen = '0', '0', t.seen
          FROM (
            SELECT w.who, pg_temp.try(holder.rolname, w.tenant, format('SELECT count(*) FROM (SELECT FROM %s LIMIT 1) AS r', target.relation), NULL) AS seen
            FROM (VALUES ('nobody', ''), ('a wrong tenant', 'sluice-check-none')) AS w (who, tenant)
          ) AS t;
        RETURN QUERY SELECT format('%s reads another tenant''s %s', holder.rolname, target.relation), t.seen = '0', '0', t.seen
          FROM (SELECT pg_temp.try(holder.rolname, 'sluice-check-a', format('SELECT count(*) FROM %s AS r WHERE ROW(%s)::TEXT LIKE ANY ($1)',
            target.relation, target.readable), other_marks) AS seen) AS t;
      END IF;
      CONTINUE WHEN target.tenant_column IS NULL OR target.relkind NOT IN ('r', 'p');

      EXECUTE format('SELECT count(*)::TEXT, jsonb_agg(r) -> 0 FROM %s AS r WHERE r.%I = ''sluice-check-a''', target.relation, target.tenant_column)
        INTO own_rows, own_row;
      -- It sees its own: otherwise what was tried above would prove nothing.
      IF target.knows_tenant AND own_row IS NOT NULL THEN
        RETURN QUERY SELECT format('%s reads its own %s', holder.rolname, target.relation), t.seen <> '0', 'some', t.seen
          FROM (SELECT pg_temp.try(holder.rolname, 'sluice-check-a', format('SELECT count(*) FROM %s AS r WHERE ROW(%s)::TEXT LIKE ANY ($1)',
            target.relation, target.readable), own_marks) AS seen) AS t;
      END IF;
      -- Without a condition: one that reads a column would bring the policies for reading to its help.
      FOR asking IN
        SELECT w.who, w.tenant, CASE w.tenant WHEN 'sluice-check-a' THEN own_rows ELSE '0' END AS rows_of_its_own
        FROM (VALUES ('a tenant', 'sluice-check-a'), ('a wrong tenant', 'sluice-check-none'), ('nobody', '')) AS w (who, tenant)
      LOOP
        IF target.moves_tenant OR target.resettable IS NOT NULL THEN
          RETURN QUERY SELECT format('%s updates all of %s as %s', holder.rolname, target.relation, asking.who),
              t.seen = asking.rows_of_its_own, asking.rows_of_its_own, t.seen
            FROM (SELECT pg_temp.try(holder.rolname, asking.tenant, CASE
              WHEN target.moves_tenant THEN format('UPDATE %s SET %I = %L', target.relation, target.tenant_column,
                COALESCE(NULLIF(asking.tenant, ''), 'default-tenant'))
              ELSE format('UPDATE %s SET %s = DEFAULT', target.relation, target.resettable) END, NULL) AS seen) AS t;
        END IF;
        IF has_table_privilege(holder.rolname, target.oid, 'DELETE') THEN
          RETURN QUERY SELECT format('%s deletes all of %s as %s', holder.rolname, target.relation, asking.who),
              t.seen = asking.rows_of_its_own, asking.rows_of_its_own, t.seen
            FROM (SELECT pg_temp.try(holder.rolname, asking.tenant, format('DELETE FROM %s', target.relation), NULL) AS seen) AS t;
        END IF;
        IF has_table_privilege(holder.rolname, target.oid, 'INSERT') AND own_row IS NOT NULL THEN
          RETURN QUERY SELECT format('%s inserts into another tenant''s %s as %s', holder.rolname, target.relation, asking.who),
              t.seen = 'refused', 'refused', t.seen
            FROM (SELECT pg_temp.try(holder.rolname, asking.tenant, format(
              'INSERT INTO %1$s (%2$s, %3$I) SELECT %2$s, ''sluice-check-b'' FROM jsonb_populate_record(NULL::%1$s, %4$L::JSONB)',
              target.relation, target.insertable, target.tenant_column, own_row), NULL) AS seen) AS t;
        END IF;
      END LOOP;
      IF target.moves_tenant AND own_row IS NOT NULL THEN
        RETURN QUERY SELECT format('%s gives its %s to another tenant', holder.rolname, target.relation), t.seen = 'refused', 'refused', t.seen
          FROM (SELECT pg_temp.try(holder.rolname, 'sluice-check-a',
            format('UPDATE %s SET %I = ''sluice-check-b''', target.relation, target.tenant_column), NULL) AS seen) AS t;
      END IF;
    END LOOP;

    -- Functions that return rows, called with the other tenant's agent and embedding for arguments.
    FOR target IN
      SELECT p.oid, p.oid::REGPROCEDURE::TEXT AS signature, p.oid::REGPROC::TEXT AS called,
        (SELECT string_agg(
          CASE
            WHEN t.typname IN ('text', 'varchar', 'bpchar') THEN quote_literal(other_agent)
            WHEN t.typname = 'vector' THEN 'array_fill(0.5, ARRAY[768])::vector'
            WHEN t.typname IN ('int2', 'int4', 'int8') THEN '5'
            ELSE 'NULL'
          END || '::' || format_type(t.oid, NULL), ', ' ORDER BY arg.place)
         FROM unnest(p.proargtypes::OID[]) WITH ORDINALITY AS arg (type, place)
         JOIN pg_type t ON t.oid = arg.type
         WHERE arg.place <= p.pronargs - p.pronargdefaults) AS arguments
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prokind = 'f' AND p.proretset AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sluice')
        AND n.nspname NOT LIKE 'pg\_%' AND has_schema_privilege(holder.rolname, n.oid, 'USAGE')
        AND has_function_privilege(holder.rolname, p.oid, 'EXECUTE')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::REGCLASS AND d.objid = p.oid AND d.deptype = 'e')
      ORDER BY 2
    LOOP
      call := format('%s(%s)', target.called, target.arguments);
      RETURN QUERY SELECT format('%s calls %s as nobody', holder.rolname, target.signature), t.seen = '0', '0', t.seen
        FROM (SELECT pg_temp.try(holder.rolname, '', format('SELECT count(*) FROM %s', call), NULL) AS seen) AS t;
      RETURN QUERY SELECT format('%s calls %s as a wrong tenant', holder.rolname, target.signature), t.seen = '0', '0', t.seen
        FROM (SELECT pg_temp.try(holder.rolname, 'sluice-check-none', format('SELECT count(*) FROM %s', call), NULL) AS seen) AS t;
      RETURN QUERY SELECT format('%s calls %s for another tenant''s rows', holder.rolname, target.signature), t.seen = '0', '0', t.seen
        FROM (SELECT pg_temp.try(holder.rolname, 'sluice-check-a',
          format('SELECT count(*) FROM %s AS r WHERE r::TEXT LIKE ANY ($1)', call), other_marks) AS seen) AS t;
    END LOOP;
  END LOOP;
END;
$$;
SELECT p.name, p.passed, p.expected, p.seen FROM pg_temp.probe() AS p;

-- sluice: check "statements that name no tenant go on working"
CREATE FUNCTION pg_temp.write_as(tenant TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  writer TEXT := (
    SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'public.performance_events'::REGCLASS AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END) ORDER BY 1 LIMIT 1);
  before TEXT := current_setting('role');
BEGIN
  PERFORM set_config('app.current_tenant', tenant, true), set_config('role', COALESCE(writer, before), true);
  INSERT INTO performance_events (event_type, integrity_hash) VALUES ('routing_decision', 'sluice-check of ' || tenant);
  PERFORM set_config('role', before, true), set_config('app.current_tenant', '', true);
  RETURN (SELECT e.tenant_id FROM performance_events e
    WHERE e.integrity_hash = 'sluice-check of ' || tenant AND e.timestamp = now());
END;
$$;
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a');
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('with a tenant set', 'sluice-check-a', pg_temp.write_as('sluice-check-a')),
  ('with none set', 'default-tenant', pg_temp.write_as(''))
) AS t (name, expected, seen);

-- sluice: check "rows are shared by who owns them, and only for reading"
CREATE FUNCTION pg_temp.count_as(tenant TEXT, statement TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  reader TEXT := (
    SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
    GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1);
  before TEXT := current_setting('role');
  found BIGINT;
BEGIN
  PERFORM set_config('app.current_tenant', tenant, true), set_config('role', COALESCE(reader, before), true);
  IF statement LIKE 'SELECT%' THEN
    EXECUTE statement INTO found;
  ELSE
    EXECUTE statement;
    GET DIAGNOSTICS found = ROW_COUNT;
  END IF;
  PERFORM set_config('role', before, true), set_config('app.current_tenant', '', true);
  RETURN found;
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'refused';
END;
$$;
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a'), create_tenant('sluice-check-b', 'sluice-check', 'b', 'shared'),
  create_tenant('sluice-check-c', 'sluice-check', 'c');
INSERT INTO agent_profiles (id, name, model_family, tenant_id)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check', 'check', 'sluice-check-b';
UPDATE tenants SET sharing_rules = '["sluice-check-b"]', isolation_level = 'shared' WHERE id = 'sluice-check-a';
SELECT 'the reader''s own rules open nothing' AS name, t.seen = '0' AS passed, '0' AS expected, t.seen
FROM pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM agent_profiles') AS t (seen);
UPDATE tenants SET sharing_rules = '["sluice-check-a"]' WHERE id = 'sluice-check-b';
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('the owner''s rules open its agents', '1', pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM agent_profiles')),
  ('to nobody else', '0', pg_temp.count_as('sluice-check-c', 'SELECT count(*) FROM agent_profiles')),
  ('shared rows cannot be updated', '0', COALESCE(NULLIF(pg_temp.count_as('sluice-check-a', 'UPDATE agent_profiles SET name = name'), 'refused'), '0')),
  ('shared rows cannot be deleted', '0', COALESCE(NULLIF(pg_temp.count_as('sluice-check-a', 'DELETE FROM agent_profiles'), 'refused'), '0'))
) AS t (name, expected, seen);
UPDATE tenants SET isolation_level = 'strict' WHERE id = 'sluice-check-b';
SELECT 'a strict owner shares nothing, whatever its rules say' AS name, t.seen = '0' AS passed, '0' AS expected, t.seen
FROM pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM agent_profiles') AS t (seen);

-- sluice: check "federated tenants see what the owner's privacy settings allow, and write nothing of it"
CREATE FUNCTION pg_temp.count_as(tenant TEXT, statement TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  reader TEXT := (
    SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'public.performance_events'::REGCLASS AND a.grantee <> c.relowner
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END)
    GROUP BY r.rolname ORDER BY count(*) DESC, 1 LIMIT 1);
  before TEXT := current_setting('role');
  found BIGINT;
BEGIN
  PERFORM set_config('app.current_tenant', tenant, true), set_config('role', COALESCE(reader, before), true);
  IF statement LIKE 'SELECT%' THEN
    EXECUTE statement INTO found;
  ELSE
    EXECUTE statement;
    GET DIAGNOSTICS found = ROW_COUNT;
  END IF;
  PERFORM set_config('role', before, true), set_config('app.current_tenant', '', true);
  RETURN found;
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'refused';
END;
$$;
SET LOCAL enable_seqscan = off;
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a', 'federated'), create_tenant('sluice-check-b', 'sluice-check', 'b', 'federated');
INSERT INTO performance_events (event_type, integrity_hash, tenant_id) VALUES ('routing_decision', 'sluice-check', 'sluice-check-b');
SELECT 'at first nothing' AS name, t.seen = '0' AS passed, '0' AS expected, t.seen
FROM pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM performance_events') AS t (seen);
UPDATE tenant_privacy_config SET allow_cross_tenant_learning = true, allowed_tenant_groups = ARRAY['sluice-check'], privacy_level = 'basic'
WHERE tenant_id = 'sluice-check-b';
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('then the owner''s events', '1', pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM performance_events')),
  ('which cannot be updated', '0', COALESCE(NULLIF(pg_temp.count_as('sluice-check-a', 'UPDATE performance_events SET task_id = NULL'), 'refused'), '0')),
  ('nor deleted', '0', COALESCE(NULLIF(pg_temp.count_as('sluice-check-a', 'DELETE FROM performance_events'), 'refused'), '0'))
) AS t (name, expected, seen);
UPDATE tenant_privacy_config SET privacy_level = 'differential' WHERE tenant_id = 'sluice-check-b';
SELECT 'at level differential no row' AS name, t.seen = '0' AS passed, '0' AS expected, t.seen
FROM pg_temp.count_as('sluice-check-a', 'SELECT count(*) FROM performance_events') AS t (seen);

-- sluice: check "writes are recorded, cross-tenant attempts are counted"
CREATE FUNCTION pg_temp.trespass() RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  writer TEXT := (
    SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'public.performance_events'::REGCLASS AND a.grantee <> c.relowner AND a.privilege_type = 'INSERT'
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END) ORDER BY 1 LIMIT 1);
  before TEXT := current_setting('role');
BEGIN
  PERFORM set_config('app.current_tenant', 'sluice-check-a', true), set_config('role', COALESCE(writer, before), true);
  INSERT INTO performance_events (event_type, integrity_hash, tenant_id) VALUES ('routing_decision', 'sluice-check', 'sluice-check-b');
  PERFORM set_config('role', before, true);
  RETURN 'accepted';
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'refused';
END;
$$;
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a'), create_tenant('sluice-check-b', 'sluice-check', 'b');
CREATE TEMP TABLE attempts_before ON COMMIT DROP AS SELECT last_value + is_called::INTEGER AS n FROM cross_tenant_attempts;
INSERT INTO performance_events (event_type, integrity_hash, tenant_id)
SELECT 'routing_decision', 'sluice-check', 'sluice-check-a' FROM generate_series(1, 3);
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('a write of three rows', '3', (
    SELECT sum(l.row_count)::TEXT FROM tenant_access_log l
    WHERE l.tenant_id = 'sluice-check-a' AND l.table_name = 'performance_events' AND l.access_type = 'write')),
  ('a write to another tenant', 'refused', pg_temp.trespass())
) AS t (name, expected, seen);
SELECT 'although rolled back, it is counted' AS name, s.last_value + s.is_called::INTEGER - b.n = 1 AS passed, '1' AS expected,
  (s.last_value + s.is_called::INTEGER - b.n)::TEXT AS seen
FROM cross_tenant_attempts s, attempts_before b;

-- sluice: check "a tenant changes its own isolation, not another's"
CREATE FUNCTION pg_temp.loosen(tenant TEXT, victim TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  writer TEXT := (
    SELECT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.oid = 'public.agent_profiles'::REGCLASS AND a.grantee <> c.relowner AND a.privilege_type = 'UPDATE'
      AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::INT < 160000 THEN 'MEMBER' ELSE 'SET' END) ORDER BY 1 LIMIT 1);
  before TEXT := current_setting('role');
  changed BOOLEAN;
BEGIN
  PERFORM set_config('app.current_tenant', tenant, true), set_config('role', COALESCE(writer, before), true);
  changed := update_tenant_isolation(victim::VARCHAR, 'shared');
  PERFORM set_config('role', before, true);
  RETURN changed::TEXT || ', ' || (SELECT t.isolation_level FROM tenants t WHERE t.id = victim);
END;
$$;
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a'), create_tenant('sluice-check-b', 'sluice-check', 'b');
SELECT t.name, t.seen = t.expected AS passed, t.expected, t.seen
FROM (VALUES
  ('another''s', 'false, strict', pg_temp.loosen('sluice-check-a', 'sluice-check-b')),
  ('its own', 'true, shared', pg_temp.loosen('sluice-check-a', 'sluice-check-a'))
) AS t (name, expected, seen);

-- sluice: check "noise is Laplace's, and never absent for want of settings"
-- Of a Laplace distribution of scale b, the mean distance from the middle is b, and 13.5 % lie beyond 2 b.
SELECT setseed(0.5);
SELECT t.name, t.seen BETWEEN t.low AND t.high AS passed, t.low || ' to ' || t.high AS expected, round(t.seen, 3)::TEXT AS seen
FROM (
  SELECT avg(d.distance) AS middle, avg((d.distance > 2)::INTEGER) AS tail
  FROM (SELECT abs(add_dp_noise(100, 'sluice-check-none') - 100) AS distance FROM generate_series(1, 5000)) AS d
) AS drawn
CROSS JOIN LATERAL (VALUES ('mean distance', 0.9, 1.1, drawn.middle), ('share beyond 2 b', 0.10, 0.17, drawn.tail))
  AS t (name, low, high, seen);

-- sluice: check "groups smaller than k are refused"
SELECT t.name, t.seen = t.expected AS passed, t.expected::TEXT, t.seen::TEXT
FROM (VALUES
  ('4 of 5', false, check_k_anonymity(4, 'default-tenant')),
  ('5 of 5', true, check_k_anonymity(5, 'default-tenant')),
  ('4 for a tenant without settings', false, check_k_anonymity(4, 'sluice-check-none'))
) AS t (name, expected, seen);

-- sluice: check "tenant statistics count each row once"
SELECT create_tenant('sluice-check-a', 'sluice-check', 'a');
INSERT INTO agent_profiles (id, name, model_family, tenant_id)
SELECT (jsonb_populate_record(NULL::agent_profiles, jsonb_build_object('id', gen_random_uuid()))).id, 'sluice-check-' || n, 'check', 'sluice-check-a'
FROM generate_series(1, 2) AS n;
INSERT INTO performance_events (event_type, integrity_hash, tenant_id)
SELECT 'routing_decision', 'sluice-check', 'sluice-check-a' FROM generate_series(1, 3);
SET LOCAL enable_seqscan = off;
SELECT s.agent_count = 2 AND s.event_count = 3 AND s.benchmark_count = 0 AS passed, '2, 3, 0' AS expected,
  concat_ws(', ', s.agent_count, s.event_count, s.benchmark_count) AS seen
FROM tenant_statistics s WHERE s.tenant_id = 'sluice-check-a';
