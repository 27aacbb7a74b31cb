import { withMembers } from "../fence/access.ts";
import { applicationRoles } from "../shared/places.ts";
import {
  type CompiledPlan,
  type NeededRight,
  neededExtensions,
  type ObjectName,
  type Step,
  stepFiles,
} from "../shared/plan.ts";
import type { Ports, PreflightCheck } from "../shared/ports.ts";
import type { Session } from "../shared/session.ts";
import { relationName } from "../shared/sql-text.ts";
import { IS_USERS_SCHEMA, IS_USERS_TABLE, LEDGER_SCHEMA } from "../shared/user-objects.ts";
import { inspected } from "./inspected.ts";

/** Most objects that one check lists. */
const MOST_NAMED = 20;

/**
 * A right that the migrating role lacks: to read, for later work, or to read something that then stays unread and is
 * reported.
 */
interface Lack {
  kind: "read" | "later" | "unread";
  what: string;
  /** SQL that grants it. */
  helps: string;
}

/** Checks that the migrating role has every right that the run needs, from the first reading to the last way back. */
export async function inspectRights(session: Session, ports: Ports): Promise<PreflightCheck[]> {
  return await inspected("rights", async () => {
    const lacks = await session.query<Lack>(LACKS, [
      JSON.stringify(neededRights(ports.plan)),
      JSON.stringify(schemasMadeIn(ports.plan).map((schema) => ({ schema }))),
      rolesTakenOn(ports),
      ports.settings.fence === "connect" ? await withMembers(session, applicationRoles(ports)) : [],
      extensionsNeeded(ports.plan),
      applicationRoles(ports),
      JSON.stringify(forcedByPlan(ports.plan)),
    ]);
    const check = (name: string, kind: Lack["kind"], expected: string, otherwise: false | null) => {
      const found = lacks.filter((lack) => lack.kind === kind);
      return {
        name,
        passed: found.length === 0 ? true : otherwise,
        expected,
        seen:
          found.length === 0
            ? "as expected"
            : listed(
                found.map(({ what }) => what),
                "; ",
              ),
        mend: found.length === 0 ? "" : mending(found),
      };
    };
    return [
      check("rights to read", "read", "the migrating role may read every row of every table", false),
      check(
        "rights for later",
        "later",
        "the migrating role has every right that the run and the plan's files need later",
        false,
      ),
      check("what stays unread", "unread", "nothing; anything unread is not proven", null),
    ];
  });
}

function mending(lacks: readonly Lack[]): string {
  return `Run as the owner or a superuser: ${listed([...new Set(lacks.map(({ helps }) => helps))], " ")}`;
}

function listed(texts: readonly string[], between: string): string {
  const more = texts.length - MOST_NAMED;
  return texts.slice(0, MOST_NAMED).join(between) + (more > 0 ? `${between}and ${more} more` : "");
}

/**
 * SQL expression: the statement that allows the migrating role to read past FORCE ROW LEVEL SECURITY without opening
 * it to the application.
 */
const BYPASS = `CASE WHEN me.rolname = ANY ($6::text[]) THEN 'CREATE ROLE sluice LOGIN BYPASSRLS; /* a login of its own for Sluice, as the application logs in as this one: docs/plan-format.md, One login for all */'
  ELSE format('ALTER ROLE %s BYPASSRLS;', me.q) END`;

/**
 * Reads everything in one query of the catalog. $1: rights that the plan's statements need; $2: schemas in which they
 * make relations; $3: roles that checks and benchmarks run as; $4: roles whose sessions the fence ends; $5:
 * extensions; $6: the application's roles; $7: statements that force row-level security on an owner.
 */
const LACKS = `
WITH me AS MATERIALIZED (
  SELECT oid, rolname, rolsuper, quote_ident(rolname) AS q FROM pg_roles WHERE rolname = current_user),
object AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relforcerowsecurity AS forced, n.oid AS schema, n.nspname, c.relowner,
         format('%I.%I', n.nspname, c.relname) AS name, ${IS_USERS_TABLE} AS holds_rows,
         pg_has_role(c.relowner, 'USAGE') AS own, (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner) AS supers
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'm', 'S') AND ${IS_USERS_SCHEMA("n.nspname")}),
needed AS (
  SELECT c.oid, w."right", w.at, format('%I.%I', n.nspname, c.relname) AS name, c.relowner,
         CASE WHEN w."right" IN ('OWNER', 'DROP')
                   OR w."right" = 'MAINTAIN' AND current_setting('server_version_num')::int < 170000 THEN 'owner'
              ELSE w."right" END AS "grant",
         pg_has_role(c.relowner, 'USAGE') OR CASE w."right"
           WHEN 'OWNER' THEN false
           WHEN 'DROP' THEN pg_has_role(n.nspowner, 'USAGE')
           WHEN 'MAINTAIN' THEN CASE WHEN current_setting('server_version_num')::int >= 170000
             THEN has_table_privilege(coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = c.oid), c.oid), w."right") END
           -- A right on any column is enough here: the rehearsal finds the columns that the statement names.
           WHEN 'INSERT' THEN has_any_column_privilege(c.oid, w."right")
           WHEN 'UPDATE' THEN has_any_column_privilege(c.oid, w."right")
           WHEN 'REFERENCES' THEN has_any_column_privilege(c.oid, w."right")
           ELSE has_table_privilege(c.oid, w."right") END AS has
    FROM jsonb_to_recordset($1::text::jsonb) AS w (relation jsonb, "right" text, at text)
    -- to_regclass would fail for a schema that this role may not use.
    JOIN pg_class c ON c.relname = w.relation ->> 'name' JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE CASE WHEN w.relation ? 'schema' THEN n.nspname = w.relation ->> 'schema' ELSE pg_table_is_visible(c.oid) END),
lack (kind, place, what, helps) AS (
  SELECT 'read', o.nspname, format('schema %I cannot be used', o.nspname),
         format('GRANT USAGE ON SCHEMA %I TO %s;', o.nspname, me.q)
    FROM me, (SELECT DISTINCT nspname, schema FROM object WHERE holds_rows) o
   WHERE NOT has_schema_privilege(o.schema, 'USAGE')
  UNION ALL
  SELECT 'read', o.name, format('%s cannot be read', o.name), format('GRANT SELECT ON TABLE %s TO %s;', o.name, me.q)
    FROM me, object o WHERE o.holds_rows AND NOT has_table_privilege(o.oid, 'SELECT')
  UNION ALL
  SELECT 'read', o.name,
         CASE WHEN o.own THEN format('FORCE ROW LEVEL SECURITY of %s hides rows from its owner too', o.name)
              ELSE format('row-level security of %s hides rows', o.name) END,
         -- The owner's rights show all rows; a superuser's rights are more than a migration needs.
         CASE WHEN NOT o.own AND o.supers THEN format('ALTER ROLE %s BYPASSRLS;', me.q)
              -- FORCE separates the tenants if the application is the owner.
              WHEN o.forced AND pg_get_userbyid(o.relowner) = ANY ($6::text[]) THEN ${BYPASS}
              ELSE concat_ws(' ', CASE WHEN NOT o.own THEN format('GRANT %I TO %s;', pg_get_userbyid(o.relowner), me.q) END,
                     CASE WHEN o.forced THEN format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;', o.name) END) END
    FROM me, object o WHERE o.holds_rows AND has_table_privilege(o.oid, 'SELECT') AND row_security_active(o.oid)
  UNION ALL
  SELECT 'read', w.at, format('%s forces row-level security on the owner%s, which hides rows from this role too', w.at, ' of ' || w.name), ${BYPASS}
    FROM me, jsonb_to_recordset($7::text::jsonb) AS w (at text, name text, relname text, enables boolean)
    JOIN pg_roles r ON r.rolname = current_user AND NOT (r.rolsuper OR r.rolbypassrls)
   WHERE w.enables OR EXISTS (SELECT FROM pg_class c WHERE c.relname = w.relname AND c.relrowsecurity)
  UNION ALL
  SELECT 'later', n.name || n."right", format('%s belongs to another role (%s)', n.name, n.at),
         CASE WHEN o.rolsuper THEN format('ALTER TABLE %s OWNER TO %s;', n.name, me.q)
              ELSE format('GRANT %I TO %s;', o.rolname, me.q) END
    FROM me, needed n JOIN pg_roles o ON o.oid = n.relowner WHERE n."grant" = 'owner' AND n.has IS NOT TRUE
  UNION ALL
  SELECT 'later', n.name || n."right", format('no %s on %s (%s)', n."right", n.name, n.at),
         format('GRANT %s ON TABLE %s TO %s;', n."right", n.name, me.q)
    FROM me, needed n WHERE n."grant" <> 'owner' AND n.has IS NOT TRUE
  UNION ALL
  SELECT DISTINCT 'later', s.nspname, format('no CREATE on schema %I', s.nspname),
         format('GRANT CREATE ON SCHEMA %I TO %s;', s.nspname, me.q)
    FROM me, jsonb_to_recordset($2::text::jsonb) AS w (schema text)
    JOIN pg_namespace s ON s.nspname = coalesce(w.schema, current_schema())
   WHERE NOT has_schema_privilege(s.oid, 'CREATE')
  UNION ALL
  SELECT 'later', '', 'no CREATE on the database, for the ledger''s schema',
         format('GRANT CREATE ON DATABASE %I TO %s;', current_database(), me.q)
    FROM me WHERE to_regnamespace('${LEDGER_SCHEMA}') IS NULL
              AND NOT has_database_privilege(current_database(), 'CREATE')
  UNION ALL
  SELECT 'later', wanted.role, format('role %I, for checks or benchmarks, %s', wanted.role,
                                 CASE WHEN r.oid IS NULL THEN 'does not exist' ELSE 'cannot be assumed' END),
         CASE WHEN r.oid IS NULL THEN format('CREATE ROLE %I; ', wanted.role) ELSE '' END
         || format('GRANT %I TO %s;', wanted.role, me.q)
    FROM me, unnest($3::text[]) AS wanted (role) LEFT JOIN pg_roles r ON r.rolname = wanted.role
   WHERE r.oid IS NULL OR NOT pg_has_role(r.oid,
           CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
  UNION ALL
  SELECT 'later', '', format('sessions of %s cannot be ended', string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)),
         format('GRANT pg_signal_backend TO %s;', me.q)
    FROM me JOIN pg_roles r ON r.rolname = ANY ($4::text[])
   WHERE NOT r.rolsuper AND NOT pg_has_role(r.oid, 'USAGE') AND NOT pg_has_role('pg_signal_backend', 'USAGE')
   GROUP BY me.q HAVING count(*) > 0
  UNION ALL
  SELECT 'later', v.name, format('only a superuser can create extension %s', v.name), format('CREATE EXTENSION %I;', v.name)
    FROM me, pg_available_extensions v
    JOIN pg_available_extension_versions d ON d.name = v.name AND d.version = v.default_version
   WHERE v.name = ANY ($5::text[]) AND v.installed_version IS NULL AND d.superuser AND NOT me.rolsuper
     AND NOT (d.trusted AND has_database_privilege(current_database(), 'CREATE'))
     -- Managed services allow their own administrators to create them.
     AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin') AND pg_has_role(oid, 'USAGE'))
  UNION ALL
  SELECT 'unread', o.name, format('%s %s', CASE o.relkind WHEN 'S' THEN 'sequence' ELSE 'materialized view' END, o.name),
         format('GRANT SELECT ON %s %s TO %s;', CASE o.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, o.name, me.q)
    FROM me, object o
   WHERE o.relkind IN ('S', 'm') AND NOT (has_schema_privilege(o.schema, 'USAGE')
         AND CASE o.relkind WHEN 'S' THEN has_sequence_privilege(o.oid, 'SELECT') ELSE has_table_privilege(o.oid, 'SELECT') END)
  UNION ALL
  SELECT 'unread', '', format('%s large objects', count(*)),
         format('GRANT SELECT ON LARGE OBJECT %s TO %s;', string_agg(m.oid::text, ', ' ORDER BY m.oid), me.q)
    FROM me, pg_largeobject_metadata m
   WHERE NOT pg_has_role(m.lomowner, 'USAGE') AND NOT current_setting('lo_compat_privileges')::bool
     AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a
                      WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
   GROUP BY me.q
  UNION ALL
  SELECT 'unread', '', 'the age of other roles'' transactions', format('GRANT pg_read_all_stats TO %s;', me.q)
    FROM me WHERE NOT pg_has_role('pg_read_all_stats', 'USAGE'))
SELECT kind, what, helps FROM lack ORDER BY kind, place, what`;

/**
 * A right that a statement of the plan needs on a relation that existed before, and the statement's place in the
 * plan.
 */
interface RightAt extends NeededRight {
  at: string;
}

/** Rights needed by all migrations and their rollbacks, each once. */
function neededRights(plan: CompiledPlan): RightAt[] {
  const found = plan.migrations.flatMap((migration) =>
    stepFiles(migration).flatMap(({ path, steps }): RightAt[] => {
      const made = new Set(steps.flatMap(madeBy).map(relationName));
      return steps
        .flatMap(({ rights = [] }) => rights)
        .filter(({ relation }) => !made.has(relationName(relation)))
        .map((need) => ({ ...need, at: `${path}:${need.line}` }));
    }),
  );
  const once = new Map(found.map((need) => [`${relationName(need.relation)} ${need.right}`, need]));
  return [...once.values()];
}

/** Schemas in which the migrations make relations; null: the schema that an unqualified name resolves to. */
function schemasMadeIn({ migrations }: CompiledPlan): (string | null)[] {
  const steps = migrations.flatMap(({ migrate }) => migrate.steps);
  // A step that sets the search path decides this itself, so only the others count.
  const plain = steps.filter(({ settings }) => !settings.some((text) => /search_path/i.test(text)));
  return [...new Set(plain.flatMap((step) => madeBy(step).map(({ schema }) => schema ?? null)))];
}

/** Extensions that the plan needs, and those that its migrations create. */
function extensionsNeeded(plan: CompiledPlan): string[] {
  const made = plan.migrations.flatMap(({ migrate }) =>
    migrate.steps.flatMap((step) => step.extensions ?? []),
  );
  return [...new Set([...neededExtensions(plan), ...made])];
}

/** Roles other than the application's that checks and benchmarks run as. */
function rolesTakenOn(ports: Ports): string[] {
  const { migrations, benchmarks } = ports.plan;
  const named = migrations.flatMap(({ validate }) =>
    validate.checks.flatMap(({ as }) => (as === undefined || as === "each" ? [] : as.role)),
  );
  const measured = benchmarks.flatMap(({ as }) => as ?? []);
  const application = applicationRoles(ports);
  return [...new Set([...named, ...measured])].filter((role) => !application.includes(role));
}

function madeBy({ relations = [], relationsBefore = [] }: Step): ObjectName[] {
  const before = new Set(relationsBefore.map(relationName));
  return relations.filter((relation) => !before.has(relationName(relation)));
}

const FORCE = /\bFORCE\s+ROW\s+LEVEL\s+SECURITY\b/i;
const ENABLE = /\bENABLE\s+ROW\s+LEVEL\s+SECURITY\b/i;
const NO_FORCE = /\bNO\s+FORCE\s+ROW\s+LEVEL\s+SECURITY\b/i;

const ALTERS = /^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(\S+)/i;

/** A statement that forces row-level security on a table's owner. */
interface Forced {
  at: string;
  /** Null: the statement's text does not show it. */
  name: string | null;
  relname: string | null;
  /** The plan enables row-level security somewhere. */
  enables: boolean;
}

/** Empty if the plan removes FORCE somewhere: the rehearsal shows what remains. */
function forcedByPlan({ migrations }: CompiledPlan): Forced[] {
  const statements = migrations.flatMap(({ migrate: { path, steps } }) =>
    steps.flatMap((step) => step.statements.map(({ sql, line }) => ({ sql, at: `${path}:${line}` }))),
  );
  if (statements.some(({ sql }) => NO_FORCE.test(sql))) return [];
  const enables = statements.some(({ sql }) => ENABLE.test(sql));
  return statements
    .filter(({ sql }) => FORCE.test(sql))
    .map(({ sql, at }) => {
      const name = ALTERS.exec(sql)?.[1] ?? null;
      const relname = name?.split(".").at(-1)?.replaceAll('"', "") ?? null;
      return { at, name, relname, enables };
    });
}
