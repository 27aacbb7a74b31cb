import * as z from "zod";
import { docName, END_NAMES } from "../shared/documents.ts";

/**
 * The schema of report.json. `version` is raised when a field changes its meaning or goes; fields may be added
 * without it. Times are ISO 8601 in UTC, durations are seconds, `evidence` names documents beside the report
 * (without `.json`). Nothing in a report is a secret.
 */

const time = z.string().meta({ id: "time", description: "ISO 8601, UTC" });
const seconds = z.number().nonnegative().meta({ id: "seconds" });
const evidence = z
  .array(z.string())
  .meta({ id: "evidence", description: "Documents beside the report that this rests on" });

const state = z.strictObject({
  state: z.string().describe("As in the state machine's graph"),
  enteredAt: time,
  doneAt: time.nullable(),
});

const phasePart = z.strictObject({
  what: z.string(),
  predictedSeconds: seconds.nullable().describe("What the rehearsal says; null: it does not"),
  seconds: seconds.nullable().describe("Null: not done (yet)"),
});

const phase = z.strictObject({
  id: z.string().describe("Such as `admit`, `gate-rehearsal`, `migrate-006`, `rollback`"),
  title: z.string(),
  kind: z.enum(["work", "gate"]).describe("A gate waits for people"),
  startedAt: time.nullable().describe("Null: not reached"),
  endedAt: time.nullable().describe("Null: not reached, or still going on"),
  seconds: seconds.nullable().describe("So far, where it is still going on"),
  predictedSeconds: seconds.nullable(),
  predictedBy: z.enum(["plan", "rehearsal"]).nullable(),
  parts: z.array(phasePart).describe("What is predicted and measured of it; there may be more to it"),
  states: z.array(state),
});

const timeline = z.strictObject({
  startedAt: time,
  endedAt: time.nullable().describe("Null while the run goes on"),
  seconds: seconds.describe("From the start to the end, or to `asOf`"),
  waitedSeconds: seconds.describe("Of these, spent at gates, waiting for people"),
  predictedSeconds: seconds.describe(
    "Sum of what the plan or, once known, the rehearsal predicts of the phases",
  ),
  plannedSeconds: seconds
    .nullable()
    .describe(
      "What the plan itself expects of the whole, before anything is measured; null: nothing, or a copy stands for production",
    ),
  phases: z.array(phase),
});

const downtime = z.strictObject({
  fencedAt: time.nullable(),
  openedAt: time.nullable(),
  seconds: seconds
    .nullable()
    .describe("From the fence to its lifting, a second fence's included; null where there was none"),
  waitedSeconds: seconds.nullable().describe("Of these, spent at gates"),
  predictedSeconds: seconds
    .nullable()
    .describe("Without the time that people take at gates; null: nothing of it is measured or planned yet"),
  stopSeconds: seconds
    .nullable()
    .describe("What the application's stop took, before the fence; no rehearsal shows it. Null: not stopped"),
  parts: z
    .array(
      z.strictObject({
        what: z.string(),
        seconds: seconds.describe("Predicted"),
        by: z.enum(["plan", "rehearsal"]),
        took: seconds.nullable().describe("Null: not done (yet), or its parts are not told apart"),
      }),
    )
    .describe("What the predicted downtime is the sum of"),
  reading: z
    .strictObject({
      fixedSeconds: seconds.describe("a: the same for any number of rows"),
      perTouchedRow: z.number().describe("b, in seconds: its values are read"),
      perUntouchedRow: z.number().describe("c, in seconds: it is counted by its row version"),
      touchedRows: z.number(),
      untouchedRows: z.number(),
    })
    .nullable()
    .describe("By what the record and the proof of the data are predicted; null: not measured (yet)"),
});

const heldLock = z
  .strictObject({
    relation: z.string(),
    mode: z.string().describe("As PostgreSQL names it"),
    seconds: seconds.describe("At most"),
  })
  .meta({ id: "heldLock" });

const wait = z.strictObject({
  at: time,
  relation: z.string().nullable().describe("Null: older transactions"),
  mode: z.string().nullable(),
  seconds,
  blockers: z
    .array(z.strictObject({ pid: z.int(), user: z.string().nullable(), queryStart: z.string().nullable() }))
    .describe("Who held it up; empty where they could not be seen"),
});

const step = z
  .strictObject({
    name: z.string(),
    at: z.string().describe("File and line"),
    startedAt: time,
    seconds,
    predictedSeconds: seconds
      .nullable()
      .describe("What the same step took in the rehearsal, the fastest time; null on staging"),
    gaveWay: z.int().describe("Times that it gave way to a lock held by others"),
    rows: z
      .number()
      .nonnegative()
      .nullable()
      .describe("Inserted, updated and deleted; null where they were not counted"),
    walBytes: z.number().nullable().describe("Written by the whole server meanwhile"),
    sizeBytes: z.number().nullable().describe("By how much the relations that it names grew"),
    locks: z.array(heldLock).describe("Held by it, and others would have waited for them; longest first"),
    waits: z.array(wait).describe("What it waited for"),
    notes: z.array(z.string()),
  })
  .meta({ id: "step" });

const pass = z.strictObject({
  direction: z.enum(["migrate", "rollback"]),
  round: z.int(),
  startedAt: time,
  endedAt: time,
  seconds,
  steps: z.array(step),
  evidence,
});

const check = z
  .strictObject({
    name: z.string(),
    at: z.string().describe("File and line"),
    as: z.string().nullable().describe("Role that it ran as; null: the migrating role"),
    passed: z.boolean(),
    expected: z.string(),
    seen: z.string(),
  })
  .meta({ id: "check" });

const checkRound = z.strictObject({
  at: time,
  round: z.string(),
  seconds,
  results: z.array(check),
  evidence,
});

const side = z
  .strictObject({
    passes: z.array(pass).describe("Each time it was applied or rolled back, in order"),
    checks: z.array(checkRound),
  })
  .meta({ id: "side" });

const changedTable = z.strictObject({
  table: z.string().describe("By the name that it had"),
  fate: z
    .enum(["dropped", "replaced", "renamed"])
    .nullable()
    .describe("Null: it stayed. `replaced`: dropped, and another one made of that name"),
  to: z.string().nullable().describe("Its new name"),
  partitionOf: z.string().nullable().describe("The table that it has become a partition of"),
  rowsBefore: z.string(),
  added: z.string(),
  removed: z.string(),
  changed: z.string(),
  mixed: z
    .boolean()
    .describe(
      "What was added, removed and changed cannot be told apart: `added` are rows written, `removed` rows gone",
    ),
  columns: z.array(
    z.strictObject({
      column: z.string(),
      how: z.enum(["changed", "dropped", "renamed", "retyped"]),
      from: z.string().nullable().describe("Its type before"),
      to: z.string().nullable().describe("Its new name or type"),
    }),
  ),
});

const changes = z.strictObject({
  text: z.string().describe("In a few words, without a subject"),
  tables: z.array(changedTable).describe("Those that are not as they were; counts of rows are decimal text"),
  sequences: z.array(
    z.strictObject({ sequence: z.string(), from: z.string().nullable(), to: z.string().nullable() }),
  ),
  evidence,
});

const migration = z.strictObject({
  version: z.string(),
  title: z.string(),
  expectedSeconds: seconds
    .nullable()
    .describe("As the plan expects of production; null: nothing, or a copy stands for it"),
  notices: z.array(z.string()).describe("How its files are read otherwise than they are written"),
  wayBack: z
    .literal("restore")
    .optional()
    .describe("From its first step on the restore is the way back; absent: it has a rollback"),
  leaves: z
    .array(z.string())
    .optional()
    .describe("What its rollback leaves, as the plan says; absent: nothing"),
  changes: changes.nullable().describe("What it did on staging to what was there before: a Go is for that"),
  staging: side,
  production: side,
});

const replay = z.strictObject({
  bytes: z.number().nullable().describe("Of WAL, by how fast production writes it; null: not known"),
  baseAt: time
    .nullable()
    .describe("When the base backup was made from which it begins; null: not known, a day before at most"),
  counted: z.boolean().describe("The restore that the rehearsal measured replayed as much"),
});

const predicted = z.strictObject({
  seconds,
  parts: z.array(z.strictObject({ what: z.string(), seconds })),
  leavesOut: z.array(z.string()).describe("What is not counted, as no rehearsal shows it; a sentence each"),
  replay: replay.optional().describe("Of a restore to a moment, what it replays; absent: nothing"),
});

const lostTable = z.strictObject({
  table: z.string(),
  rowsBefore: z.string().nullable().describe("Null: there was no such table"),
  rowsNow: z.string().nullable().describe("Null: there is none any more, or they were not counted"),
  inserted: z.number().nullable().describe("By the server's counters; null where they tell nothing"),
  updated: z.number().nullable(),
  deleted: z.number().nullable(),
});

const proofTable = z.strictObject({
  table: z.string(),
  protected: z.boolean().describe("Named by the plan"),
  rowsBefore: z.string().nullable(),
  rowsAfter: z.string().nullable(),
  checksumBefore: z
    .string()
    .nullable()
    .describe("Null: none was needed, as row versions show which rows are touched; or rows are only counted"),
  checksumAfter: z.string().nullable(),
  equal: z.boolean(),
  agreed: z.string().nullable().describe("What was done to it, as the rehearsal had shown; null: nothing"),
});

const scope = z
  .strictObject({ proven: z.array(z.string()), notProven: z.array(z.string()) })
  .meta({ id: "scope" });

const proof = z.strictObject({
  name: z.string(),
  title: z.string(),
  at: time,
  equal: z.boolean(),
  fingerprintBefore: z.string().nullable().describe("Null: contents only"),
  fingerprintAfter: z.string().nullable(),
  tables: z.array(proofTable),
  differences: z.array(z.string()),
  left: z
    .array(z.string())
    .optional()
    .describe("What a rollback left, as the plan says it may: equal but for that; absent: nothing"),
  scope: scope
    .optional()
    .describe("What the proof speaks of, and what it does not; absent: a run of an older Sluice"),
  grown: z
    .array(z.string())
    .optional()
    .describe("Rows added to tables that may grow, a line for each; absent: none"),
  others: z
    .array(z.string())
    .optional()
    .describe(
      "What came, went or changed and is not this plan's doing, as its rehearsal shows; absent: nothing",
    ),
  moved: z
    .array(z.string())
    .describe("Columns that came back at another position, sequences set far ahead; no difference"),
  evidence,
});

const measured = z
  .strictObject({
    p50Ms: z.number().nullable().describe("Null: not measured, and `note` says why"),
    p95Ms: z.number().nullable(),
    runs: z.int(),
    passed: z.boolean().nullable().describe("Null: not measured, which is not passed"),
    note: z.string().nullable(),
    warmUpRuns: z.int().nullable().describe("Runs before those that count"),
    firstMs: z.number().nullable().describe("What the first of them took, when all was cold"),
    generated: z.boolean().describe("There was nothing to measure it with until data for it were generated"),
    plan: z.array(z.string()).describe("As EXPLAIN tells it; empty where it was not measured"),
  })
  .meta({ id: "measured" });

const benchmark = z.strictObject({
  name: z.string(),
  title: z.string(),
  sloMs: z.number().describe("Limit for p95"),
  staging: measured.nullable(),
  production: measured.nullable(),
});

const locks = z.strictObject({
  longest: z
    .strictObject({ ...heldLock.shape, version: z.string(), step: z.string() })
    .nullable()
    .describe("Null: nobody would have had to wait"),
  heldSeconds: seconds.describe("At most, of all locks that others would have waited for"),
  gaveWay: z.int().describe("Times that a step gave way to a lock held by others"),
  waitedSeconds: seconds.describe("That steps waited for others"),
});

const readMetric = z.strictObject({
  name: z.string(),
  title: z.string(),
  target: z.string().describe("Such as `<100 ms`"),
  alert: z.string(),
  first: z.string().nullable().describe("What the run's own reading says; null: none was taken"),
  note: z.string().nullable(),
  staging: z
    .string()
    .nullable()
    .describe("What the rehearsal read on staging; null: nothing was, or could be"),
  standing: z.enum(["target", "between", "alert", "unknown"]),
  runbook: z.string().nullable(),
  worst: z
    .strictObject({
      value: z.string(),
      at: time,
      standing: z.enum(["target", "between", "alert", "unknown"]),
      alerts: z.int().describe("Readings beyond the alert threshold"),
    })
    .nullable()
    .describe("Of all readings so far; null: the first one is all there is"),
});

const gate = z.strictObject({
  gate: z.string(),
  attempt: z.int(),
  escalation: z.boolean().describe("Asked of the escalation contacts, as it was not decided in time"),
  question: z.string(),
  checklist: z.array(z.strictObject({ item: z.string(), ticked: z.boolean().nullable() })),
  openedAt: time,
  expiresAt: time,
  changed: z.array(z.string()).describe("Why it was asked once more"),
  objections: z
    .array(z.strictObject({ by: z.string(), at: time, comment: z.string() }))
    .describe("No-Goes that came after the Go and changed nothing"),
  withheld: z
    .array(z.string())
    .nullable()
    .describe("Why its Go did not take effect; null: it did, or was none"),
  decision: z.enum(["Go", "NoGo"]).nullable().describe("Null: no one has answered"),
  by: z.string().nullable(),
  publishers: z
    .array(z.string())
    .optional()
    .describe("Who of those that gave the answer may also have published the plan; absent: nobody"),
  comment: z.string().nullable(),
  decidedAt: time.nullable(),
  evidence,
});

const outcomeOfHook = z.strictObject({
  title: z.string(),
  passed: z.boolean().nullable(),
  expected: z.string(),
  seen: z.string(),
});

const outcomeOfBackups = z.strictObject({
  passed: z.boolean().nullable(),
  expected: z.string(),
  seen: z.string(),
});

const criterion = z.strictObject({
  id: z.string().describe("Such as `migrations`, `checks`, `data`, `isolation`, `benchmark:<name>`"),
  title: z.string(),
  status: z.enum(["met", "not met", "not known"]),
  detail: z.string(),
  evidence,
});

export const reportSchema = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  manifest: z
    .string()
    .nullable()
    .describe(
      "SHA-256 of manifest.json, which lists every file of the evidence; null: the run has not ended",
    ),
  asOf: time.describe("Latest time in the evidence; the report says how things were then"),
  end: z.enum([...END_NAMES, "running"]),
  verdict: z
    .strictObject({ title: z.string(), meaning: z.string() })
    .describe(
      "The end in words, and what it means: for production or, of a rehearsal, for the copies that stood for it",
    ),
  cause: z.string().nullable().describe("Why it ended so and what was done about it; null while it runs"),
  leftBehind: z.array(z.string()).describe("Clean-up that failed, each with what to do"),
  now: z.strictObject({ state: z.string(), since: time }).nullable().describe("Where a running run is"),
  request: z
    .strictObject({
      execution: z.string(),
      startedAt: time,
      startedBy: z.string().nullable(),
      reason: z.string().nullable(),
      outsideWindow: z
        .string()
        .optional()
        .describe("Why it was allowed outside the maintenance window, where it was"),
      instance: z.string(),
      database: z.string(),
      copyOf: z
        .string()
        .nullable()
        .optional()
        .describe("Where a copy stood for production, the database that it is of; null: an embedded one"),
      copies: z
        .strictObject({ how: z.enum(["physical", "dump"]), notes: z.array(z.string()) })
        .optional()
        .describe(
          "How the database was copied, where not by its server: what that shows is said in the notes",
        ),
      rehearse: z.enum(["before", "inside"]),
      fence: z.enum(["connect", "none"]),
      engineVersion: z.string().nullable(),
    })
    .nullable()
    .describe("Null: refused before it was understood"),
  plan: z.strictObject({
    name: z.string(),
    title: z.string(),
    checksum: z.string(),
    rollbackSloSeconds: seconds,
    protect: z.array(z.string()),
    published: z
      .strictObject({
        deployed: z.boolean().describe("It is the one that the stack was deployed with"),
        by: z.array(z.strictObject({ by: z.string(), arn: z.string(), at: z.string() })),
      })
      .optional()
      .describe("Whose plan it is; absent for a run without a deployment"),
  }),
  criteria: z.array(criterion),
  timeline,
  downtime,
  rollback: z
    .strictObject({
      startedAt: time,
      why: z.string(),
      restoreFrom: z
        .string()
        .optional()
        .describe("Nothing was rolled back, as this migration had begun, and only the restore leads back"),
      seconds: seconds.nullable().describe("Until proven back; null: not (yet) proven"),
      sloSeconds: seconds,
    })
    .nullable(),
  wayBack: z
    .strictObject({
      sloSeconds: seconds,
      rollback: predicted,
      restore: predicted,
      restoreFrom: z
        .string()
        .optional()
        .describe("The migration from which on the restore is the way back; absent: each has a rollback"),
    })
    .nullable()
    .describe("How long each way back from production takes, by what the rehearsal measured"),
  loss: z
    .strictObject({
      at: time,
      since: time.describe("When the record was begun that production is compared with"),
      applicationWasIn: z.boolean().describe("Nothing was fenced, or it was let in again"),
      tables: z.array(lostTable),
      asRecorded: z.int().describe("Tables that are as recorded"),
      byCounters: z.int().describe("Of these, those of which the server's counters say so"),
    })
    .nullable()
    .describe("What a restore would lose; null: not counted"),
  restore: z
    .strictObject({
      at: time,
      snapshot: z.string().nullable().describe("Null: it was restored to a moment"),
      moment: time.optional().describe("What it was restored to; absent: a snapshot was restored"),
      aside: z.string(),
      handOver: z
        .array(z.string())
        .describe("What people must see to, now that another instance is production"),
    })
    .nullable(),
  migrations: z.array(migration),
  locks: locks.nullable().describe("On production; null: no step was run there"),
  proofs: z.array(proof),
  preflight: z
    .strictObject({
      at: time,
      checks: z.array(
        z.strictObject({
          name: z.string(),
          passed: z.boolean().nullable(),
          expected: z.string(),
          seen: z.string(),
          mend: z.string(),
        }),
      ),
    })
    .nullable(),
  backup: z
    .strictObject({
      by: z.enum(["point-in-time", "snapshot"]),
      why: z.array(z.string()),
      moment: z
        .strictObject({
          at: time.describe("A whole second of the server's clock, where archived WAL is restored from"),
          held: z.enum(["archive", "copy"]).describe("By automated backups, or by a copy that was made then"),
          copy: z.string().nullable().describe("Name of that copy; null: automated backups hold it"),
          instance: z.string().describe("What the instance was called then"),
          identity: z.string().describe("Its resource id, which it keeps when it is renamed"),
          lsn: z.string().nullable().describe("Where the WAL stood; null: the server did not say"),
          timeline: z.int().nullable(),
          notedAt: time.describe("By the worker's clock"),
          passedAt: time.nullable().describe("Nothing was written by the run before; null: not yet"),
          encrypted: z.boolean().nullable(),
          kmsKey: z.string().nullable(),
          state: z
            .enum(["available", "pending", "failed", "not known"])
            .describe("Whether production could be restored to it when that was last looked at"),
          stateText: z.string(),
          until: time.nullable().describe("The newest moment that it could be restored to then"),
          seenAt: time.nullable(),
        })
        .nullable()
        .describe("What a restore goes back to; null: not noted (yet), or a snapshot"),
      evidence,
    })
    .nullable()
    .describe("How production is backed up; null: not chosen yet, or a run of an older Sluice"),
  snapshots: z.array(
    z.strictObject({
      purpose: z.enum(["rehearsal", "final", "kept"]),
      id: z.string(),
      instance: z.string(),
      at: time,
      createdAt: time.nullable(),
      sizeBytes: z.number().nullable(),
      engineVersion: z.string().nullable(),
      encrypted: z.boolean().nullable(),
      kmsKey: z.string().nullable(),
      clone: z
        .literal(true)
        .optional()
        .describe("It is a clone: a copy of the volume that shares what has not changed, and no backup"),
      keepUntil: z.string().nullable().describe("A date; null: deleted with the rehearsal"),
      copies: z
        .array(z.strictObject({ kind: z.enum(["copy", "export"]), where: z.string(), id: z.string() }))
        .describe("Begun elsewhere; the run waits for none of them"),
      evidence,
    }),
  ),
  staging: z
    .strictObject({
      instance: z.string().nullable(),
      verified: z
        .strictObject({
          tables: z.int(),
          rows: z.string(),
          equal: z.boolean(),
          differences: z.array(z.string()),
        })
        .nullable()
        .describe("Every row of the restored backup, or of the clone, was read"),
      deletedAt: time.nullable(),
      completedAt: time.nullable(),
      issues: z.array(z.string()),
      rollbackTested: z.enum(["success", "fail", "not yet"]),
      rollbacks: z.array(z.strictObject({ version: z.string(), equal: z.boolean().nullable() })),
      approved: z.enum(["yes", "no", "not yet"]),
      approvedBy: z.string().nullable(),
    })
    .describe("The plan's staging results"),
  left: z
    .strictObject({ invalidIndexes: z.array(z.string()), notValid: z.array(z.string()) })
    .nullable()
    .describe(
      "Indexes and constraints that the migrations left half made on production; null: nobody looked",
    ),
  benchmarks: z.array(benchmark),
  hooks: z.array(z.strictObject({ name: z.string(), at: time, results: z.array(outcomeOfHook), evidence })),
  gates: z.array(gate),
  fence: z
    .strictObject({
      mode: z.enum(["connect", "none"]),
      at: time,
      liftedAt: time.nullable(),
      roles: z.array(z.string()),
    })
    .nullable(),
  afterOpening: z.array(
    z.strictObject({ title: z.string(), passed: z.boolean(), seconds, message: z.string() }),
  ),
  backups: outcomeOfBackups.nullable().describe("Null: nobody looked, as the run did not succeed"),
  watch: z
    .strictObject({
      readings: z.int().nonnegative(),
      at: time.nullable().describe("Of the run's own reading"),
      schedule: z
        .strictObject({ everyMinutes: z.number(), until: time, thenEveryMinutes: z.number(), ends: time })
        .nullable()
        .describe("Null: nothing reads on"),
      connections: z.strictObject({ used: z.int(), most: z.int(), minimum: z.int() }).nullable(),
      metrics: z.array(readMetric),
    })
    .nullable()
    .describe("Null: the plan watches nothing"),
  verifiedAgain: z
    .strictObject({ at: time, migrations: z.array(z.string()), passed: z.int(), failed: z.array(check) })
    .nullable()
    .describe("Checks run once more with the application in; null: not (yet)"),
  reminders: z
    .array(z.strictObject({ title: z.string(), days: z.int(), by: time.nullable() }))
    .describe("What the plan leaves to people; `by` is set once the run succeeded"),
  failures: z
    .array(z.strictObject({ at: time, state: z.string(), error: z.string(), message: z.string() }))
    .describe("All that went wrong in any state, in order; also what doing it again mended"),
  leftToDo: z.array(z.string()),
});

export type Report = z.infer<typeof reportSchema>;
export type Criterion = Report["criteria"][number];
export type PhasePart = Phase["parts"][number];
export type Phase = Report["timeline"]["phases"][number];
export const REPORT_DOCUMENT = docName<Report>("report");

export type MigrationReport = Report["migrations"][number];
export type ProofReport = Report["proofs"][number];
export type BenchmarkReport = Report["benchmarks"][number];
export type WatchReport = NonNullable<Report["watch"]>;
export type GateReport = Report["gates"][number];
