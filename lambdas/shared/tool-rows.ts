import * as z from "zod";

// The part of a migration tool's row that depends on the migration's file. Keys are the tool's own columns. Values that
// depend on the database (ranks, times, user, duration) are computed where the row is written: see lambdas/version-table/.

const text = z.string().min(1, "text, in quotes");
const digits = z
  .union([z.string().regex(/^\d+$/), z.number().int().nonnegative()], "digits, such as 20260128115414")
  .transform(String);
const hex = (length: number, of: string) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `${of} in ${length} hexadecimal digits, in quotes`);
const int32 = z
  .number("a whole number, or null")
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);
/** A time in UTC, so that it means the same in every session. */
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, 'a time such as "2026-01-28T11:54:14Z"');

const planned = { note: z.string(), planned_at: moment, planner_name: text, planner_email: text };

const atlas = z.strictObject({
  tool: z.literal("atlas"),
  version: text,
  description: z.string(),
  /** The file's hash from atlas.sum, without `h1:`. */
  hash: text,
  /** Number of statements in the file. */
  total: z.number().int().nonnegative(),
});
const dbmate = z.strictObject({
  tool: z.literal("dbmate"),
  version: z.string('digits, in quotes: "001" is not "1"').regex(/^\d+$/, "digits only"),
});
const alembic = z.strictObject({
  tool: z.literal("alembic"),
  version_num: text,
  /** The revision's parents: several for a merge, null for a first revision. */
  down_revision: z.union([text, z.array(text).min(2), z.null()], "a revision, a list of them, or null"),
});
const django = z.strictObject({ tool: z.literal("django"), app: text, name: text });
const drizzle = z.strictObject({
  tool: z.literal("drizzle"),
  hash: hex(64, "the file's SHA-256"),
  /** `when` of the journal's entry, in milliseconds. */
  created_at: digits,
});
const flyway = z.strictObject({
  tool: z.literal("flyway"),
  /** Null for a repeatable migration, which its description identifies. */
  version: z.union([text, z.null()], 'a version such as "1.2", in quotes; null for a repeatable migration'),
  description: z.string(),
  script: text,
  checksum: int32.nullable(),
});
const golangMigrate = z.strictObject({ tool: z.literal("golang-migrate"), version: digits });
const goose = z.strictObject({ tool: z.literal("goose"), version_id: digits });
const graphileMigrate = z.strictObject({
  tool: z.literal("graphile-migrate"),
  filename: text,
  hash: text,
  previous_hash: text.nullable(),
});
const knex = z.strictObject({ tool: z.literal("knex"), name: text });
const liquibase = z.strictObject({
  tool: z.literal("liquibase"),
  id: text,
  author: text,
  filename: text,
  md5sum: text.nullable().default(null),
  description: z.string().max(255).default("sql"),
  comments: z.string().max(255).default(""),
  contexts: z.string().max(255).nullable().default(null),
  labels: z.string().max(255).nullable().default(null),
});
const nodePgMigrate = z.strictObject({ tool: z.literal("node-pg-migrate"), name: text });
const postgrator = z.strictObject({
  tool: z.literal("postgrator"),
  version: digits,
  name: z.string(),
  md5: hex(32, "the file's MD5").nullable(),
});
const prisma = z.strictObject({
  tool: z.literal("prisma"),
  migration_name: text,
  checksum: hex(64, "the SHA-256 of migration.sql"),
});
const sqitch = z.strictObject({
  tool: z.literal("sqitch"),
  project: text,
  change: text,
  change_id: hex(40, "the change's id"),
  script_hash: hex(40, "the deploy script's SHA-1").nullable(),
  ...planned,
  /** Required changes from sqitch.plan, each with its id. */
  requires: z.record(text, hex(40, "the required change's id")).default({}),
  conflicts: z.array(text).default([]),
  tags: z
    .array(
      z.strictObject({ tag: text.regex(/^@/, "begins with @"), tag_id: hex(40, "the tag's id"), ...planned }),
    )
    .default([]),
});
const sqlx = z.strictObject({
  tool: z.literal("sqlx"),
  version: digits,
  description: z.string(),
  checksum: hex(96, "the file's SHA-384"),
});
const tern = z.strictObject({ tool: z.literal("tern"), version: digits });
const yoyo = z.strictObject({ tool: z.literal("yoyo"), migration_id: text });

/** A row of a tool's table. `tool` comes from the plan, and is not a column. */
export const toolRow = z.discriminatedUnion("tool", [
  alembic,
  atlas,
  dbmate,
  django,
  drizzle,
  flyway,
  golangMigrate,
  goose,
  graphileMigrate,
  knex,
  liquibase,
  nodePgMigrate,
  postgrator,
  prisma,
  sqitch,
  sqlx,
  tern,
  yoyo,
]);

export type ToolRow = z.infer<typeof toolRow>;
export type Tool = ToolRow["tool"];
export type RowOf<T extends Tool> = Extract<ToolRow, { tool: T }>;

/** Each tool's default table. */
export const TOOL_TABLES: Readonly<Record<Tool, string>> = {
  alembic: "alembic_version",
  atlas: "atlas_schema_revisions.atlas_schema_revisions",
  dbmate: "schema_migrations",
  django: "django_migrations",
  drizzle: "drizzle.__drizzle_migrations",
  flyway: "flyway_schema_history",
  "golang-migrate": "schema_migrations",
  goose: "goose_db_version",
  "graphile-migrate": "graphile_migrate.migrations",
  knex: "knex_migrations",
  liquibase: "databasechangelog",
  "node-pg-migrate": "pgmigrations",
  postgrator: "schemaversion",
  prisma: "_prisma_migrations",
  sqitch: "sqitch.changes",
  sqlx: "_sqlx_migrations",
  tern: "schema_version",
  yoyo: "_yoyo_migration",
};

export const TOOLS = Object.keys(TOOL_TABLES) as [Tool, ...Tool[]];

/** Stands for a version where the tool's table has no row yet. */
export const NONE = "none";
