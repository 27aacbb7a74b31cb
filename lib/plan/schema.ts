import { z } from "zod";
import { OPERATORS, RESTORE, SERVER_READINGS, type Threshold } from "../../lambdas/shared/plan.ts";
import { BACKUP_KINDS } from "../../lambdas/shared/settings.ts";
import { TOOLS } from "../../lambdas/shared/tool-rows.ts";
import { MIGRATION_FOLDER } from "./folder-name.ts";

// plan.yaml, key by key. Objects are strict: an unknown key is a mistake. No key is required at the top, as a folder of
// migrations is a plan. Editors show the descriptions (plan-json-schema.ts).

const version = z.string().regex(/^\d+(\.\d+)*$/, 'a version such as "0.8.0", in quotes');
// As in pg_roles: any characters, without the quotes that SQL may need.
const role = z
  .string()
  .regex(/^[^\p{Cc}]+$/u, "a role's name, on one line")
  .refine((name) => Buffer.byteLength(name) <= 63, "a role's name has at most 63 bytes")
  .refine((name) => !/^".*"$/.test(name), "a role's name without quotes around it")
  .refine((name) => !/^(pg_.*|none|public)$/.test(name), "a role of your own: PostgreSQL reserves this name");
const minutes = z.number().positive();
/** Default questions. All differ, as approvers recognize a gate by its question. */
const QUESTIONS = {
  readiness: "ready to start?",
  rehearsal: "go to production?",
  after: "continue after {version}?",
  open: "let the application in?",
  keep: "keep what was done?",
  restore: "restore from the snapshot?",
} as const;
const sqlPath = z
  .string()
  .regex(/^[\w./-]+\.sql$/, "a path to an .sql file in the plan's folder")
  .refine((path) => !path.split("/").includes(".."), "must not leave the plan's folder");

const gateText = (kind: keyof typeof QUESTIONS) =>
  z.strictObject({
    question: z
      .string()
      .min(1)
      .max(60)
      .default(QUESTIONS[kind])
      .describe("The gate's question; {version} stands for the migration just applied"),
    checklist: z
      .array(z.string().min(1))
      .default([])
      .describe("What must be true for a Go; the approver ticks each item"),
    minutes: minutes
      .default(60)
      .describe("Minutes until the gate escalates, and again until it becomes a No-Go"),
    approvals: z
      .number()
      .int()
      .min(1)
      .max(9)
      .optional()
      .describe("How many people must say Go, each under another name; 1 unless given"),
  });
const gate = (kind: keyof typeof QUESTIONS) => gateText(kind).prefault({});

/** The migrations that a gate follows: each, those with `gate: true`, or none. */
const asks = z.enum(["each", "marked", "none"]);

const gateAfter = gateText("after").extend({
  ask: asks
    .optional()
    .describe("Which migrations a gate follows; by default each for up to 5 migrations, marked for more"),
});

/** The gate's text, or only when it opens. */
const after = z.preprocess((given) => (typeof given === "string" ? { ask: given } : given), gateAfter);

/** What happens to a table or a column (`account.email`): one word, or several; for a table also names of its columns. */
const changes = z.record(
  z.string().min(1),
  z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).transform((words) => [words].flat()),
);

/** The row in a tool's own table for a migration. Its keys depend on the tool: see tool-rows.ts. */
const row = z.union([z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown())).min(1)]);

const httpExpectation = z.strictObject({
  title: z.string().min(1),
  method: z.enum(["GET", "POST", "PUT", "DELETE", "HEAD"]).default("GET"),
  url: z
    .string()
    .regex(/^(\/|https?:\/\/)/, "starts with / (relative to the application's URL) or with http"),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  expect: z.strictObject({ status: z.number().int().min(100).max(599), contains: z.string().optional() }),
});

const benchmark = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and hyphens"),
  title: z.string().min(1),
  query: sqlPath,
  baseline: sqlPath.optional(),
  as: role.optional(),
  settings: z.record(z.string(), z.string()).default({}),
  sloMs: z.number().positive(),
  runs: z.number().int().min(5).max(1000).default(30),
  needs: z.string().optional(),
  usesIndex: z.string().optional(),
});

const threshold = z
  .string()
  .regex(/^(<=|>=|<|>|=)\s*\d+(\.\d+)?$/, 'a comparison such as "<100" or ">= 0.5", in quotes')
  .transform((text): Threshold => {
    const operator = OPERATORS.find((candidate) => text.startsWith(candidate)) ?? "=";
    return { operator, value: Number(text.slice(operator.length)) };
  });

const metric = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and hyphens"),
    title: z.string().min(1),
    benchmark: z.string().optional(),
    reads: z.enum(SERVER_READINGS).optional(),
    query: sqlPath.optional(),
    counter: z.boolean().optional(),
    unit: z.string().max(10).optional(),
    target: threshold,
    alert: threshold.refine(({ operator }) => operator !== "=", "must use <, <=, > or >=: alarms have no ="),
    runbook: z.string().min(1).optional(),
  })
  .refine(
    ({ benchmark, reads, query }) =>
      [benchmark, reads, query].filter((one) => one !== undefined).length === 1,
    "needs exactly one of benchmark, reads and query",
  )
  .refine(
    ({ query, counter, unit }) => query !== undefined || (counter === undefined && unit === undefined),
    "counter and unit are only for a metric with a query",
  );

const localRoute = z.strictObject({
  method: z.enum(["GET", "POST"]),
  /** `{name}` stands for one segment of the path. */
  path: z.string().regex(/^\//, "must begin with /"),
  does: z.enum(["stop", "start", "test"]).optional(),
  settings: z.record(z.string(), z.string()).default({}),
  sql: z.string().optional(),
  params: z.array(z.string()).default([]),
});

/** The default owner of the embedded database: no superuser, as on RDS. */
export const LOCAL_OWNER = "database_owner";

const migrationKeys = z.strictObject({
  folder: z
    .string()
    .regex(MIGRATION_FOLDER, "a folder named like 012_orders: a version, _, a name")
    .describe("Folder of the migration: its version, an underscore, and a name"),
  title: z
    .string()
    .min(1)
    .optional()
    .describe("Title that people read; made of the folder's name unless given"),
  expectedMinutes: minutes
    .optional()
    .describe("Minutes it is expected to take on production; the rehearsal measures it in any case"),
  checklist: z
    .array(z.string().min(1))
    .default([])
    .describe("Checklist for the gate after it, or else for the next gate"),
  changes: changes
    .optional()
    .describe("All its changes to existing data; the rehearsal must show these and no others"),
  rollback: z
    .literal(RESTORE, { error: `must be \`${RESTORE}\`, or be left out if the folder has a rollback.sql` })
    .optional()
    .describe("The way back is the restore of the snapshot, as no SQL brings everything back"),
  leaves: z
    .array(z.string().min(1))
    .min(1, "name what is left, or leave the key out")
    .optional()
    .describe("Differences that its rollback leaves, named as the proof of a rollback does"),
  gate: z.boolean().optional().describe("Whether a gate follows this migration, if gates.after is marked"),
  row: row.optional().describe("Its row in the table of schema.tool; sluice import writes it"),
});

/** All keys, or only the folder. */
const migration = z.preprocess(
  (given) => (typeof given === "string" ? { folder: given } : given),
  migrationKeys,
);

/** Values that may be written in a short form: that form, and the long one. */
export const SHORT_FORMS: ReadonlyMap<z.core.$ZodType, { short: z.ZodType; long: z.ZodType }> = new Map<
  z.core.$ZodType,
  { short: z.ZodType; long: z.ZodType }
>([
  [after, { short: asks, long: gateAfter }],
  [migration, { short: migrationKeys.shape.folder, long: migrationKeys }],
]);

export const planFile = z.strictObject({
  title: z
    .string()
    .min(1)
    .optional()
    .describe("Title that people read; made of the folder's name unless given"),
  schema: z
    .strictObject({
      tool: z
        .enum(TOOLS)
        .optional()
        .describe("Migration tool that the table belongs to; it is read and written as that tool does"),
      table: z
        .string()
        .regex(/^([a-z_][\w$]*|"[^"]+")(\.([a-z_][\w$]*|"[^"]+"))?$/i, "a table's name as in SQL")
        .optional()
        .describe(
          "Table that holds the schema's version; Sluice adds its migrations there. Default: the tool's own table, or schema_migrations without a tool",
        ),
      expectedVersion: z
        .string()
        .min(1, "the version that the schema must have, in quotes")
        .describe("Version that the schema must have before the run, in quotes"),
    })
    .optional()
    .describe("The table with the schema's version. Without it Sluice reads and writes no version table"),
  server: z
    .strictObject({
      minimumVersion: z.number().int().min(13).default(13).describe("Major version of PostgreSQL"),
      minimumConnections: z
        .number()
        .int()
        .positive()
        .default(50)
        .describe("Connections that must be free for the application's pool"),
      minimumFreeGiB: z.number().nonnegative().default(20).describe("Free disk, in GiB"),
    })
    .prefault({})
    .describe("What the server must have"),
  extensions: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        minimumVersion: version.optional(),
        recommendedVersion: version.optional(),
        optional: z
          .literal(true, { error: "must be `true`; leave it out for an extension that the plan needs" })
          .optional()
          .describe("The plan works without it: preflight reports whether it is available"),
      }),
    )
    .default([])
    .describe("Extensions that must be available"),
  applicationRoles: z
    .array(role)
    .optional()
    .describe(
      "Roles that the application connects as: they are fenced out, and checks run as each. Default: roles that may log in, own neither the database nor a table and have rights on tables; the first gate shows them. [] fences no role",
    ),
  runAs: role.optional().describe("Role that steps run as, if not the login role"),
  protect: z
    .array(z.string().min(1))
    .default([])
    .describe("Tables that must exist, and that the report shows first"),
  contents: z
    .record(z.string().min(1), z.enum(["full", "sample", "count", "grows", "none"]))
    .default({})
    .describe("How the contents of tables are read when they are recorded and proven"),
  rollbackSloMinutes: minutes.default(30).describe("Minutes that a rollback may take, including its proof"),
  acceptNoWayBack: z
    .boolean()
    .default(false)
    .describe("Allow a plan with `rollback: restore` in a deployment that forbids the restore"),
  backup: z
    .enum(BACKUP_KINDS)
    .optional()
    .describe(
      "What a restore goes back to: a moment (point-in-time), or a snapshot, which is taken within the downtime. Default: the deployment's settings",
    ),
  expectedMinutes: z
    .strictObject({ admit: minutes, prove: minutes, open: minutes })
    .optional()
    .describe("Minutes that phases are expected to take; the rehearsal measures what it can"),
  migrations: z
    .array(migration)
    .min(1, "lists no migration. Remove the key to use every folder named like 012_orders")
    .optional()
    .describe("Migrations in order; default: every folder named like 012_orders, by version"),
  gates: z
    .strictObject({
      readiness: gate("readiness"),
      rehearsal: gate("rehearsal"),
      after: after.prefault({}),
      open: gate("open"),
      keep: gate("keep"),
      restore: gate("restore"),
    })
    .prefault({})
    .describe("The gates' questions, and when the gates open; each gate has a default question"),
  benchmarks: z.array(benchmark).default([]).describe("Queries that are measured against a limit"),
  application: z
    .strictObject({
      stop: httpExpectation.optional(),
      start: httpExpectation.optional(),
      test: httpExpectation.optional(),
      smoke: z.array(httpExpectation).default([]),
    })
    .default({ smoke: [] })
    .describe("HTTP requests by which the application is stopped, started and tested"),
  afterOpening: z
    .array(
      z.strictObject({
        title: z.string().min(1),
        sql: z.string().min(1),
        outside: z.literal("allowed").optional(),
      }),
    )
    .default([])
    .describe("SQL that runs once the application is in"),
  watch: z
    .strictObject({
      metrics: z.array(metric).min(1),
      verifyAgain: z
        .strictObject({ afterMinutes: minutes.default(60), migrations: z.array(z.string()).min(1) })
        .optional(),
    })
    .optional()
    .describe("Metrics that are read after a success"),
  reminders: z
    .array(z.strictObject({ title: z.string().min(1), days: z.number().int().min(0).max(365) }))
    .default([])
    .describe("What people must do after a success, and within how many days"),
  stagingData: z
    .array(sqlPath)
    .default([])
    .describe("Files of steps that add data to staging for measurements"),
  local: z
    .strictObject({
      owner: role.default(LOCAL_OWNER),
      baseline: z.array(sqlPath).min(1),
      application: z
        .strictObject({ role, routes: z.array(localRoute), tests: z.array(httpExpectation).default([]) })
        .refine(
          ({ routes, tests }) => tests.length > 0 || !routes.some(({ does }) => does === "test"),
          "has a route that does `test`, and no `tests` to run",
        )
        .optional(),
    })
    .optional()
    .describe("What rehearsals on the embedded PostgreSQL start from; never sent to a deployed database"),
});

export type PlanFile = z.infer<typeof planFile>;
export type LocalRoute = z.infer<typeof localRoute>;
