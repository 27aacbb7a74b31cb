import { z } from "zod";
import { OPERATORS, RESTORE, SERVER_READINGS, type Threshold } from "../../lambdas/shared/plan.ts";

// plan.yaml, key by key. Strict objects: a key that is not known is a mistake and is told as one.

const version = z.string().regex(/^\d+(\.\d+)*$/, 'a version such as "0.8.0", in quotes');
// As pg_roles has it: in any letters and signs, and without the quotes that SQL may need around it.
const role = z
  .string()
  .regex(/^[^\p{Cc}]+$/u, "a role's name, on one line")
  .refine((name) => Buffer.byteLength(name) <= 63, "a role's name has at most 63 bytes")
  .refine((name) => !/^".*"$/.test(name), "a role's name as it is, without quotes around it")
  .refine((name) => !/^(pg_.*|none|public)$/.test(name), "a role of your own: this name is PostgreSQL's");
const minutes = z.number().positive();
const sqlPath = z
  .string()
  .regex(/^[\w./-]+\.sql$/, "a path to an .sql file in the plan's folder")
  .refine((path) => !path.split("/").includes(".."), "must not leave the plan's folder");

const gate = z.strictObject({
  question: z.string().min(1).max(60),
  checklist: z.array(z.string().min(1)).default([]),
  minutes: minutes.default(60),
  approvals: z.number().int().min(1).max(9).optional(),
});

/** After which migrations the gate `after` asks: each, those that say `gate: true`, or none. */
const asks = z.enum(["each", "marked", "none"]);

/** Its text, or just when it asks. */
const gateAfter = z.preprocess(
  (given) => (typeof given === "string" ? { ask: given } : given),
  gate.extend({ question: gate.shape.question.default("go on after {version}?"), ask: asks.optional() }),
);

/** Of a table or a column (`account.email`): one word, or several; of a table also names of its columns. */
const changes = z.record(
  z.string().min(1),
  z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).transform((words) => [words].flat()),
);

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
    alert: threshold.refine(
      ({ operator }) => operator !== "=",
      "is one of <, <=, > and >=: no alarm knows =",
    ),
    runbook: z.string().min(1).optional(),
  })
  .refine(
    ({ benchmark, reads, query }) =>
      [benchmark, reads, query].filter((one) => one !== undefined).length === 1,
    "has exactly one of benchmark, reads and query",
  )
  .refine(
    ({ query, counter, unit }) => query !== undefined || (counter === undefined && unit === undefined),
    "counter and unit are for a query of its own",
  );

const localRoute = z.strictObject({
  method: z.enum(["GET", "POST"]),
  /** `{name}` stands for one part of the path. */
  path: z.string().startsWith("/"),
  does: z.enum(["stop", "start"]).optional(),
  settings: z.record(z.string(), z.string()).default({}),
  sql: z.string().optional(),
  params: z.array(z.string()).default([]),
});

export const planFile = z.strictObject({
  title: z.string().min(1),
  schema: z.strictObject({
    table: z
      .string()
      .regex(/^[a-z_][\w$]*(\.[a-z_][\w$]*)?$/i, "a table name")
      .default("schema_migrations"),
    expectedVersion: z.string().min(1, "the version that the schema must have, in quotes"),
  }),
  server: z.strictObject({
    minimumVersion: z.number().int().min(13),
    minimumConnections: z.number().int().positive().default(50),
    minimumFreeGiB: z.number().nonnegative().default(20),
  }),
  extensions: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        minimumVersion: version.optional(),
        recommendedVersion: version.optional(),
      }),
    )
    .default([]),
  applicationRoles: z
    .array(role)
    .min(1, "name the roles that the application connects as; the fence and the checks need them"),
  protect: z.array(z.string().min(1)).default([]),
  contents: z.record(z.string().min(1), z.enum(["full", "sample", "count", "grows", "none"])).default({}),
  rollbackSloMinutes: minutes.default(30),
  acceptNoWayBack: z.boolean().default(false),
  expectedMinutes: z.strictObject({ admit: minutes, prove: minutes, open: minutes }),
  migrations: z
    .array(
      z.strictObject({
        folder: z
          .string()
          .regex(
            /^[A-Za-z0-9][A-Za-z0-9.-]*_[\w.-]+$/,
            "a folder named like 012_orders: its version, _, a name",
          ),
        title: z.string().min(1),
        expectedMinutes: minutes,
        checklist: z.array(z.string().min(1)).default([]),
        changes: changes.optional(),
        rollback: z
          .literal(RESTORE, {
            error: `is \`${RESTORE}\`, or is left out where the folder has a rollback.sql`,
          })
          .optional(),
        leaves: z.array(z.string().min(1)).min(1, "name what is left, or leave the key out").optional(),
        gate: z.boolean().optional(),
      }),
    )
    .min(1),
  gates: z.strictObject({
    readiness: gate,
    rehearsal: gate,
    after: gateAfter.default({ question: "go on after {version}?", checklist: [], minutes: 60 }),
    open: gate,
    keep: gate,
    restore: gate,
  }),
  benchmarks: z.array(benchmark).default([]),
  application: z
    .strictObject({
      stop: httpExpectation.optional(),
      start: httpExpectation.optional(),
      test: httpExpectation.optional(),
      smoke: z.array(httpExpectation).default([]),
    })
    .default({ smoke: [] }),
  afterOpening: z
    .array(
      z.strictObject({
        title: z.string().min(1),
        sql: z.string().min(1),
        outside: z.literal("allowed").optional(),
      }),
    )
    .default([]),
  watch: z
    .strictObject({
      metrics: z.array(metric).min(1),
      verifyAgain: z
        .strictObject({ afterMinutes: minutes.default(60), migrations: z.array(z.string()).min(1) })
        .optional(),
    })
    .optional(),
  reminders: z
    .array(z.strictObject({ title: z.string().min(1), days: z.number().int().min(0).max(365) }))
    .default([]),
  stagingData: z.array(sqlPath).default([]),
  /** What local runs start from; never sent to a deployed database. */
  local: z
    .strictObject({
      owner: role,
      baseline: z.array(sqlPath).min(1),
      application: z.strictObject({ role, routes: z.array(localRoute) }).optional(),
    })
    .optional(),
});

export type PlanFile = z.infer<typeof planFile>;
export type LocalRoute = z.infer<typeof localRoute>;
