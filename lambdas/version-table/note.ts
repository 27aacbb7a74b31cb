import { type CompiledPlan, migrationOf } from "../shared/plan.ts";
import type { Session } from "../shared/session.ts";
import { identifier, literal } from "../shared/sql-text.ts";
import type { RowOf, Tool, ToolRow } from "../shared/tool-rows.ts";
import { adding, columnsQuery, is, removing, type TableColumn, versionTableOf } from "./plain.ts";
import {
  keepsStanding,
  placeQuery,
  type Standing,
  standingAfter,
  standingAround,
  type TablePlace,
  type ToolTable,
  toolTableOf,
} from "./tables.ts";

// The run's writes to the table of the schema's version, as statements without parameters: they are sent in one
// message with the step's own.

/** A row that exists once a migration is noted. */
interface NotedRow {
  table: string;
  /** The condition that finds the row again. */
  is: string;
}

/** A row to write: an expression for each column. */
interface Insert extends NotedRow {
  columns: Readonly<Record<string, string>>;
}

/** How a migration is noted. */
export interface Noted {
  /** Statements that note it as applied; a second run changes nothing. */
  apply: string[];
  /** Statements that take the note back, whether it exists or not. */
  rollBack: string[];
  /** Rows that exist then and did not before. */
  rows: readonly NotedRow[];
}

/** The current shape of the table of the schema's version: the rows of lookQuery. */
export type Look = readonly Record<string, unknown>[];

/** Returns the query, without parameters, for the shape of the plan's table; undefined if the plan names no table. */
export function lookQuery({ schema }: Pick<CompiledPlan, "schema">): string | undefined {
  if (!schema) return undefined;
  return schema.tool === undefined ? columnsQuery(schema.table) : placeQuery(schema.table);
}

/** Returns how a migration is noted in the table as it is now. */
export async function noteOf(session: Session, plan: CompiledPlan, version: string): Promise<Noted> {
  const query = lookQuery(plan);
  return noteIn(query === undefined ? [] : await session.query(query), plan, version);
}

/**
 * Returns how a migration is noted in a table of this shape; empty if the plan names no table.
 * @param began an expression for the time the migration started
 * @throws Error if the table does not exist or holds no versions
 */
export function noteIn(look: Look, plan: CompiledPlan, version: string, began = "now()"): Noted {
  const { schema } = plan;
  if (!schema) return { apply: [], rollBack: [], rows: [] };
  const { tool, table: named } = schema;
  const { title, rows } = migrationOf(plan, version);
  if (tool === undefined) {
    const table = versionTableOf(named, look as readonly unknown[] as TableColumn[]);
    return {
      apply: [adding(table, version, title)],
      rollBack: [removing(table, version)],
      rows: [{ table: table.name, is: is(version) }],
    };
  }
  const table = toolTableOf(look as readonly unknown[] as TablePlace[]);
  if (!table) throw new Error(`Table ${named}, which notes the schema's version, does not exist`);
  const standing = standingAround(schema, plan.migrations, version);
  if (standing) {
    const added = standing.after.filter((one) => !standing.before.includes(one));
    return {
      apply: stand(table, tool, standing.after),
      rollBack: stand(table, tool, standing.before),
      rows: added.map((one) => ({ table: table.name, is: `${standsIn(tool)} = ${literal(one)}` })),
    };
  }
  const inserts = insertsOf(table, rows, began);
  return {
    apply: inserts.map(asStatement),
    rollBack: inserts.toReversed().map(({ table: from, is }) => `DELETE FROM ${from} WHERE ${is}`),
    rows: inserts,
  };
}

/** Returns the statements that fill a table as the tool itself would by applying these migrations in order. */
export function noteAll(table: ToolTable, tool: Tool, rows: readonly ToolRow[]): string[] {
  if (keepsStanding(tool)) return stand(table, tool, standingAfter(tool, rows));
  return insertsOf(table, rows, "now()").map(asStatement);
}

function asStatement({ table, columns, is }: Insert): string {
  return `INSERT INTO ${table} (${Object.keys(columns).map(identifier).join(", ")})
        SELECT ${Object.values(columns).join(", ")} WHERE NOT EXISTS (SELECT FROM ${table} WHERE ${is})`;
}

/** Statements for a table that holds only the current state of the schema. */
function stand({ name }: ToolTable, tool: Tool, standing: Standing): string[] {
  const column = standsIn(tool);
  const others = standing.length === 0 ? "" : ` WHERE ${column} NOT IN (${standing.map(literal).join(", ")})`;
  const [and, value] = tool === "golang-migrate" ? [", dirty", ", false"] : ["", ""];
  return [
    `DELETE FROM ${name}${others}`,
    ...standing.map(
      (version) =>
        `INSERT INTO ${name} (${column}${and}) SELECT ${literal(version)}${value}
          WHERE NOT EXISTS (SELECT FROM ${name} WHERE ${column} = ${literal(version)})`,
    ),
  ];
}

function standsIn(tool: Tool): string {
  return tool === "alembic" ? "version_num" : "version";
}

function insertsOf(table: ToolTable, rows: readonly ToolRow[] | undefined, began: string): Insert[] {
  return (rows ?? []).flatMap((row) => insertsOfRow(table, row, began));
}

const NOW = "clock_timestamp()";

function insertsOfRow(table: ToolTable, row: ToolRow, began: string): Insert[] {
  const { name } = table;
  switch (row.tool) {
    case "alembic":
    case "golang-migrate":
    case "tern":
      return [];
    case "dbmate":
      return [rowOf(name, { version: literal(row.version) })];
    case "knex":
      return [
        rowOf(
          name,
          { name: literal(row.name) },
          { batch: `(SELECT coalesce(max(batch), 0) + 1 FROM ${name})`, migration_time: NOW },
        ),
      ];
    case "node-pg-migrate":
      return [rowOf(name, { name: literal(row.name) }, { run_on: NOW })];
    case "yoyo":
      return [
        rowOf(
          name,
          { migration_id: literal(row.migration_id) },
          {
            migration_hash: `encode(sha256(convert_to(${literal(row.migration_id)}, 'UTF8')), 'hex')`,
            applied_at_utc: `${NOW} AT TIME ZONE 'UTC'`,
          },
        ),
      ];
    case "django":
      return [rowOf(name, { app: literal(row.app), name: literal(row.name) }, { applied: NOW })];
    case "drizzle":
      return [rowOf(name, { created_at: literal(row.created_at), hash: literal(row.hash) })];
    case "graphile-migrate":
      return [
        rowOf(
          name,
          { hash: literal(row.hash) },
          { previous_hash: orNull(row.previous_hash), filename: literal(row.filename), date: NOW },
        ),
      ];
    case "postgrator":
      return [
        rowOf(
          name,
          { version: literal(row.version) },
          { name: literal(row.name), md5: orNull(row.md5), run_at: NOW },
        ),
      ];
    case "sqlx":
      return [
        rowOf(
          name,
          { version: literal(row.version) },
          {
            description: literal(row.description),
            success: "true",
            checksum: `decode(${literal(row.checksum)}, 'hex')`,
            execution_time: since(began, 1_000_000_000),
          },
        ),
      ];
    case "atlas":
      return [
        rowOf(
          name,
          { version: literal(row.version) },
          {
            description: literal(row.description),
            // Applied by executing its file.
            type: "2",
            applied: String(row.total),
            total: String(row.total),
            executed_at: began,
            execution_time: since(began, 1_000_000_000),
            hash: literal(row.hash),
            operator_version: "'Sluice'",
          },
        ),
      ];
    case "goose":
      return [gooseRow(name, row)];
    case "prisma":
      return [prismaRow(name, row, began)];
    case "flyway":
      return [flywayRow(name, row, began)];
    case "liquibase":
      return [liquibaseRow(name, row, began)];
    case "sqitch":
      return sqitchRows(table, row);
  }
}

/** A row identified by the columns of `by`. */
function rowOf(table: string, by: Record<string, string>, others: Record<string, string> = {}): Insert {
  const is = Object.entries(by).map(([column, value]) => `${identifier(column)} = ${value}`);
  return { table, columns: { ...by, ...others }, is: is.join(" AND ") };
}

function gooseRow(table: string, row: RowOf<"goose">): Insert {
  const version = literal(row.version_id);
  return {
    table,
    columns: { version_id: version, is_applied: "true", tstamp: NOW },
    // Older versions of goose noted a rollback as an additional row.
    is: `is_applied AND id = (SELECT max(id) FROM ${table} WHERE version_id = ${version})`,
  };
}

function prismaRow(table: string, row: RowOf<"prisma">, began: string): Insert {
  const migration = literal(row.migration_name);
  return {
    table,
    columns: {
      id: "gen_random_uuid()::text",
      checksum: literal(row.checksum),
      started_at: began,
      finished_at: NOW,
      migration_name: migration,
      applied_steps_count: "1",
    },
    // A failed migration that was resolved has a row of its own.
    is: `migration_name = ${migration} AND rolled_back_at IS NULL`,
  };
}

function flywayRow(table: string, row: RowOf<"flyway">, began: string): Insert {
  const { version, description, script, checksum } = row;
  const repeatable = version === null;
  const same = repeatable
    ? `version IS NULL AND description = ${literal(description)}`
    : `version = ${literal(version)}`;
  return {
    table,
    columns: {
      installed_rank: `(SELECT coalesce(max(installed_rank), 0) + 1 FROM ${table})`,
      version: orNull(version),
      description: literal(description),
      type: "'SQL'",
      script: literal(script),
      checksum: checksum === null ? "NULL" : `${checksum}`,
      installed_by: "left(current_user, 100)",
      execution_time: since(began, 1_000),
      success: "true",
    },
    // A version that was applied before and then undone, or deleted by a repair, has rows of its own; a repeatable
    // migration has one for each apply.
    is: `installed_rank = (SELECT max(installed_rank) FROM ${table} WHERE ${same})
      AND ${repeatable ? `checksum IS NOT DISTINCT FROM ${checksum ?? "NULL"}` : "type = 'SQL'"}`,
  };
}

function liquibaseRow(table: string, row: RowOf<"liquibase">, began: string): Insert {
  return rowOf(
    table,
    { id: literal(row.id), author: literal(row.author), filename: literal(row.filename) },
    {
      dateexecuted: NOW,
      orderexecuted: `(SELECT coalesce(max(orderexecuted), 0) + 1 FROM ${table})`,
      exectype: "'EXECUTED'",
      md5sum: orNull(row.md5sum),
      description: literal(row.description),
      comments: literal(row.comments),
      contexts: orNull(row.contexts),
      labels: orNull(row.labels),
      // The last ten digits of the deployment's start in milliseconds.
      deployment_id: `right(floor(extract(epoch FROM ${began}) * 1000)::bigint::text, 10)`,
    },
  );
}

/** Notes a change as `sqitch deploy` does: the change, its dependencies, its tags, and the event. */
function sqitchRows(table: ToolTable, row: RowOf<"sqitch">): Insert[] {
  const { name } = table;
  const beside = (own: string) => table.beside(() => own);
  const project = literal(row.project);
  const id = literal(row.change_id);
  // Sqitch orders changes by this time alone.
  const rising = `greatest(${NOW}, (SELECT max(committed_at) + interval '1 microsecond' FROM ${name} WHERE project = ${project}))`;
  const at = `(SELECT committed_at FROM ${name} WHERE change_id = ${id})`;
  const committer = { committer_name: "current_user", committer_email: COMMITTER };
  const planned = (of: Pick<typeof row, "note" | "planned_at" | "planner_name" | "planner_email">) => ({
    note: literal(of.note),
    planned_at: literal(of.planned_at),
    planner_name: literal(of.planner_name),
    planner_email: literal(of.planner_email),
  });
  const change = { change: literal(row.change), project, ...planned(row), ...committer };
  const dependency = (type: string, named: string, required: string): Insert =>
    rowOf(
      beside("dependencies"),
      { change_id: id, dependency: literal(named) },
      { type: literal(type), dependency_id: required },
    );
  return [
    rowOf(name, { change_id: id }, { script_hash: orNull(row.script_hash), committed_at: rising, ...change }),
    ...Object.entries(row.requires).map(([named, required]) =>
      dependency("require", named, literal(required)),
    ),
    ...row.conflicts.map((named) => dependency("conflict", named, "NULL")),
    ...row.tags.map((tag) =>
      rowOf(
        beside("tags"),
        { tag_id: literal(tag.tag_id) },
        { tag: literal(tag.tag), project, change_id: id, committed_at: at, ...planned(tag), ...committer },
      ),
    ),
    {
      table: beside("events"),
      columns: {
        event: "'deploy'",
        change_id: id,
        committed_at: at,
        requires: texts(Object.keys(row.requires)),
        conflicts: texts(row.conflicts),
        tags: texts(row.tags.map(({ tag }) => tag)),
        ...change,
      },
      // The change may have been deployed and reverted before.
      is: `event = 'deploy' AND change_id = ${id} AND committed_at = ${at}`,
    },
  ];
}

/** The database user has no e-mail address. */
const COMMITTER = "current_user || '@' || current_database()";

function texts(values: readonly string[]): string {
  return `ARRAY[${values.map(literal).join(", ")}]::text[]`;
}

function orNull(text: string | null): string {
  return text === null ? "NULL" : literal(text);
}

/** SQL for the time passed until now as a whole number; `perSecond` units are one second. */
function since(began: string, perSecond: number): string {
  return `floor(extract(epoch FROM ${NOW} - ${began}) * ${perSecond})::bigint`;
}
