import * as z from "zod";
import { docName, END_NAMES } from "../shared/documents.ts";

/**
 * The schema of report.json. `version` rises when a field changes its meaning or is removed, but not when a field is
 * added. Times are ISO 8601 in UTC, durations are seconds, `evidence` names documents beside the report (without
 * `.json`). A report holds no secrets.
 */

const time = z.string().meta({ id: "time", description: "ISO 8601, UTC" });
const seconds = z.number().nonnegative().meta({ id: "seconds" });
const evidence = z
  .array(z.string())
  .meta({ id: "evidence", description: "Documents beside the report that this rests on" });

const state = z.strictObject({
  state: z.string().describe("Name in the state machine's graph"),
  enteredAt: time,
  doneAt: time.nullable(),
});

const phasePart = z.strictObject({
  what: z.string(),
  predictedSeconds: seconds.nullable().describe("By the rehearsal; null: not predicted"),
  seconds: seconds.nullable().describe("Null: not done yet"),
});

const phase = z.strictObject({
  id: z.string().describe("Such as `admit`, `gate-rehearsal`, `migrate-006`, `rollback`"),
  title: z.string(),
  kind: z.enum(["work", "gate"]).describe("A gate waits for people"),
  startedAt: time.nullable().describe("Null: not reached"),
  endedAt: time.nullable().describe("Null: not reached, or not ended yet"),
  seconds: seconds.nullable().describe("So far, if it has not ended yet"),
  predictedSeconds: seconds.nullable(),
  predictedBy: z.enum(["plan", "rehearsal"]).nullable(),
  parts: z.array(phasePart).describe("Predicted and measured parts; they need not be the whole"),
  states: z.array(state),
});

const timeline = z.strictObject({
  startedAt: time,
  endedAt: time.nullable().describe("Null while the run is running"),
  seconds: seconds.describe("From the start to the end, or to `asOf`"),
  waitedSeconds: seconds.describe("Part of these spent at gates, waiting for people"),
  predictedSeconds: seconds.describe(
    "Sum of the phases' predictions, by the rehearsal or, before it, by the plan",
  ),
  plannedSeconds: seconds
    .nullable()
    .describe("The plan's own estimate of the whole; null: none, or a copy stands in for production"),
  phases: z.array(phase),
});

const downtime = z.strictObject({
  fencedAt: time.nullable(),
  openedAt: time.nullable(),
  seconds: seconds
    .nullable()
    .describe("From the fence to its lifting, including a second fence; null: no fence"),
  waitedSeconds: seconds.nullable().describe("Part of these spent at gates"),
  predictedSeconds: seconds
    .nullable()
    .describe("Without the time that people take at gates; null: nothing measured or planned yet"),
  stopSeconds: seconds
    .nullable()
    .describe("Time to stop the application, before the fence; not rehearsed. Null: not stopped"),
  parts: z
    .array(
      z.strictObject({
        what: z.string(),
        seconds: seconds.describe("Predicted"),
        by: z.enum(["plan", "rehearsal"]),
        took: seconds.nullable().describe("Null: not done yet, or not measured separately"),
      }),
    )
    .describe("The parts that the predicted downtime is the sum of"),
  reading: z
    .strictObject({
      fixedSeconds: seconds.describe("a: the same for any number of rows"),
      perTouchedRow: z.number().describe("b, in seconds: the row's values are read"),
      perUntouchedRow: z.number().describe("c, in seconds: the row is counted by its row version"),
      touchedRows: z.number(),
      untouchedRows: z.number(),
    })
    .nullable()
    .describe("Figures that predict the record and the proof of the data; null: not measured yet"),
});

const heldLock = z
  .strictObject({
    relation: z.string(),
    mode: z.string().describe("PostgreSQL's name"),
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
    .describe("Sessions that blocked it; empty if they could not be seen"),
});

const step = z
  .strictObject({
    name: z.string(),
    at: z.string().describe("File and line"),
    startedAt: time,
    seconds,
    predictedSeconds: seconds
      .nullable()
      .describe("Fastest time of the same step in the rehearsal; null on staging"),
    gaveWay: z.int().describe("Times that it gave way to a lock held by others"),
    rows: z.number().nonnegative().nullable().describe("Inserted, updated and deleted; null: not counted"),
    walBytes: z.number().nullable().describe("Written by the whole server meanwhile"),
    sizeBytes: z.number().nullable().describe("Growth of the relations that the step names"),
    locks: z.array(heldLock).describe("Locks of this step that others would have waited for; longest first"),
    waits: z.array(wait).describe("Locks that this step waited for"),
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
    as: z.string().nullable().describe("Role that ran it; null: the migrating role"),
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
  table: z.string().describe("By its former name"),
  fate: z
    .enum(["dropped", "replaced", "renamed"])
    .nullable()
    .describe("Null: it stayed. `replaced`: dropped, and a new one created with that name"),
  to: z.string().nullable().describe("Its new name"),
  partitionOf: z.string().nullable().describe("The table that it is now a partition of"),
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
  tables: z.array(changedTable).describe("Changed tables; row counts are decimal text"),
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
    .describe("The plan's estimate for production; null: none, or a copy stands in for production"),
  notices: z.array(z.string()).describe("Where Sluice reads its files differently from their text"),
  wayBack: z
    .literal("restore")
    .optional()
    .describe("The restore is the way back from its first step on; absent: it has a rollback"),
  leaves: z
    .array(z.string())
    .optional()
    .describe("What its rollback leaves, as declared in the plan; absent: nothing"),
  changes: changes.nullable().describe("What it changed on staging; a Go approves these changes"),
  staging: side,
  production: side,
});

const replay = z.strictObject({
  bytes: z
    .number()
    .nullable()
    .describe("Bytes of WAL, from the rate at which production writes it; null: not known"),
  baseAt: time
    .nullable()
    .describe("When the base backup that it starts from was made; null: not known, at most a day before"),
  counted: z.boolean().describe("True: the restore that the rehearsal measured replayed as much"),
});

const predicted = z.strictObject({
  seconds,
  parts: z.array(z.strictObject({ what: z.string(), seconds })),
  leavesOut: z
    .array(z.string())
    .describe("What is not counted, because a rehearsal cannot measure it; a sentence each"),
  replay: replay.optional().describe("WAL that a restore to a moment replays; absent: nothing"),
});

const lostTable = z.strictObject({
  table: z.string(),
  rowsBefore: z.string().nullable().describe("Null: the table did not exist"),
  rowsNow: z.string().nullable().describe("Null: the table is gone, or its rows were not counted"),
  inserted: z.number().nullable().describe("By the server's counters; null: they show nothing"),
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
    .describe("Null: not needed, because row versions show the touched rows; or rows are only counted"),
  checksumAfter: z.string().nullable(),
  equal: z.boolean(),
  agreed: z.string().nullable().describe("Its change, as shown by the rehearsal; null: none"),
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
    .describe("What a rollback left, as declared in the plan: all else is equal; absent: nothing"),
  scope: scope
    .optional()
    .describe("What the proof covers and what it does not; absent: a run of an older Sluice"),
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
    .describe(
      "Columns that came back at another position, sequences set far ahead; these are no differences",
    ),
  evidence,
});

const measured = z
  .strictObject({
    p50Ms: z.number().nullable().describe("Null: not measured, and `note` gives the reason"),
    p95Ms: z.number().nullable(),
    runs: z.int(),
    passed: z.boolean().nullable().describe("Null: not measured, which does not count as passed"),
    note: z.string().nullable(),
    warmUpRuns: z.int().nullable().describe("Runs before those that count"),
    firstMs: z.number().nullable().describe("Time of the first of them, with cold caches"),
    generated: z.boolean().describe("True: measured with generated data, because there were none"),
    plan: z.array(z.string()).describe("Output of EXPLAIN; empty: not measured"),
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
    .describe("Null: no lock would have blocked others"),
  heldSeconds: seconds.describe("Upper limit for all locks that others would have waited for"),
  gaveWay: z.int().describe("Times that a step gave way to a lock held by others"),
  waitedSeconds: seconds.describe("That steps waited for others"),
});

const readMetric = z.strictObject({
  name: z.string(),
  title: z.string(),
  target: z.string().describe("Such as `<100 ms`"),
  alert: z.string(),
  first: z.string().nullable().describe("Value of the run's own reading; null: not taken"),
  note: z.string().nullable(),
  staging: z.string().nullable().describe("Value of the rehearsal's reading on staging; null: none"),
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
    .describe("Worst of all readings so far; null: there is only the first"),
});

const gate = z.strictObject({
  gate: z.string(),
  attempt: z.int(),
  escalation: z
    .boolean()
    .describe("True: opened for the escalation contacts, because nobody decided it in time"),
  question: z.string(),
  checklist: z.array(z.strictObject({ item: z.string(), ticked: z.boolean().nullable() })),
  openedAt: time,
  expiresAt: time,
  changed: z.array(z.string()).describe("Why it opened again"),
  objections: z
    .array(z.strictObject({ by: z.string(), at: time, comment: z.string() }))
    .describe("No-Goes given after the Go; they changed nothing"),
  withheld: z
    .array(z.string())
    .nullable()
    .describe("Why its Go did not take effect; null: it did, or there was none"),
  decision: z.enum(["Go", "NoGo"]).nullable().describe("Null: nobody has answered"),
  by: z.string().nullable(),
  publishers: z
    .array(z.string())
    .optional()
    .describe("People who answered and may also have published the plan; absent: nobody"),
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
  asOf: time.describe("Latest time in the evidence; the report shows the state at that time"),
  end: z.enum([...END_NAMES, "running"]),
  verdict: z
    .strictObject({ title: z.string(), meaning: z.string() })
    .describe("The end as a title, and what it means for production or, in a rehearsal, for its stand-in"),
  cause: z
    .string()
    .nullable()
    .describe("Why the run ended so and what was done about it; null while it runs"),
  leftBehind: z.array(z.string()).describe("Each clean-up that failed, with what to do"),
  now: z
    .strictObject({ state: z.string(), since: time })
    .nullable()
    .describe("Current state of a running run"),
  request: z
    .strictObject({
      execution: z.string(),
      startedAt: time,
      startedBy: z.string().nullable(),
      reason: z.string().nullable(),
      outsideWindow: z
        .string()
        .optional()
        .describe("Reason why it was allowed outside the maintenance window; absent: it was inside"),
      instance: z.string(),
      database: z.string(),
      copyOf: z
        .string()
        .nullable()
        .optional()
        .describe("In a rehearsal on copies, the database that was copied; null: an embedded one"),
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
    .describe("Null: refused, because its input was invalid"),
  plan: z.strictObject({
    name: z.string(),
    title: z.string(),
    checksum: z.string(),
    rollbackSloSeconds: seconds,
    protect: z.array(z.string()),
    published: z
      .strictObject({
        deployed: z.boolean().describe("True: the plan that the stack was deployed with"),
        by: z.array(z.strictObject({ by: z.string(), arn: z.string(), at: z.string() })),
      })
      .optional()
      .describe("Publishers of the plan; absent for a run without a deployment"),
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
        .describe(
          "Nothing was rolled back, because this migration had begun and only the restore leads back",
        ),
      seconds: seconds.nullable().describe("Until proven back; null: not proven yet"),
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
    .describe("How long each way back on production takes, from the rehearsal's figures"),
  loss: z
    .strictObject({
      at: time,
      since: time.describe("When the record that production is compared with began"),
      applicationWasIn: z.boolean().describe("True: there was no fence, or it was lifted"),
      tables: z.array(lostTable),
      asRecorded: z.int().describe("Tables that equal the record"),
      byCounters: z.int().describe("Part of these shown equal by the server's counters"),
    })
    .nullable()
    .describe("What a restore would lose; null: not counted"),
  restore: z
    .strictObject({
      at: time,
      snapshot: z.string().nullable().describe("Null: restored to a moment"),
      moment: time.optional().describe("The moment restored to; absent: a snapshot was restored"),
      aside: z.string(),
      handOver: z.array(z.string()).describe("What people must do, now that another instance is production"),
    })
    .nullable(),
  migrations: z.array(migration),
  locks: locks.nullable().describe("On production; null: no step ran there"),
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
          at: time.describe("With archived WAL, a whole second of the server's clock"),
          held: z.enum(["archive", "copy"]).describe("By automated backups, or by a copy made at that time"),
          copy: z.string().nullable().describe("Name of that copy; null: automated backups hold it"),
          instance: z.string().describe("Name of the instance at that time"),
          identity: z.string().describe("Its resource id, which a rename does not change"),
          lsn: z.string().nullable().describe("WAL position; null: not reported by the server"),
          timeline: z.int().nullable(),
          notedAt: time.describe("By the worker's clock"),
          passedAt: time.nullable().describe("The run wrote nothing before this time; null: not passed yet"),
          encrypted: z.boolean().nullable(),
          kmsKey: z.string().nullable(),
          state: z
            .enum(["available", "pending", "failed", "not known"])
            .describe("Whether production could be restored to it when last checked"),
          stateText: z.string(),
          until: time.nullable().describe("Newest moment that could be restored at that time"),
          seenAt: time.nullable(),
        })
        .nullable()
        .describe("The moment that a restore goes back to; null: not noted yet, or a snapshot is used"),
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
        .describe("True: a clone, which shares the unchanged part of the volume and is no backup"),
      keepUntil: z.string().nullable().describe("A date; null: deleted with the rehearsal"),
      copies: z
        .array(z.strictObject({ kind: z.enum(["copy", "export"]), where: z.string(), id: z.string() }))
        .describe("Copies started elsewhere; the run does not wait for them"),
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
        .describe("The reading of every row of the restored backup or of the clone"),
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
  backups: outcomeOfBackups.nullable().describe("Null: not checked, because the run did not succeed"),
  watch: z
    .strictObject({
      readings: z.int().nonnegative(),
      at: time.nullable().describe("Time of the run's own reading"),
      schedule: z
        .strictObject({ everyMinutes: z.number(), until: time, thenEveryMinutes: z.number(), ends: time })
        .nullable()
        .describe("Null: no schedule continues the watch"),
      connections: z.strictObject({ used: z.int(), most: z.int(), minimum: z.int() }).nullable(),
      metrics: z.array(readMetric),
    })
    .nullable()
    .describe("Null: the plan has no watch"),
  verifiedAgain: z
    .strictObject({ at: time, migrations: z.array(z.string()), passed: z.int(), failed: z.array(check) })
    .nullable()
    .describe("Checks run once more with the application in; null: not run yet"),
  reminders: z
    .array(z.strictObject({ title: z.string(), days: z.int(), by: time.nullable() }))
    .describe("The plan's reminders; `by` is set once the run has succeeded"),
  failures: z
    .array(z.strictObject({ at: time, state: z.string(), error: z.string(), message: z.string() }))
    .describe("All failures of all states, in order, including those that a retry fixed"),
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
