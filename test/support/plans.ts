import type { CompiledPlan, Migration } from "../../lambdas/shared/plan.ts";

/** Returns a plan of so many migrations with a gate after each, as large as plans get. Its SQL never runs. */
export function planOf(count: number, first = 101): CompiledPlan {
  const gate = (question: string) => ({ question, checklist: ["it is so"], minutes: 60 });
  return {
    name: "large",
    title: "A large plan",
    checksum: "c".repeat(64),
    sources: "e".repeat(64),
    schema: { table: "schema_migrations", expectedVersion: "100" },
    server: { minimumVersion: 15, minimumConnections: 50, minimumFreeGiB: 20 },
    extensions: [],
    applicationRoles: ["app"],
    protect: [],
    contents: {},
    rollbackSloMinutes: 30,
    migrations: Array.from({ length: count }, (_, index) => migration(first + index)),
    gates: {
      readiness: gate("ready to start?"),
      rehearsal: gate("go to production?"),
      after: gate("continue after {version}?"),
      open: gate("open to the application?"),
      keep: gate("keep or roll back?"),
      restore: gate("restore from the snapshot?"),
    },
    benchmarks: [],
    application: { smoke: [] },
    afterOpening: [],
    reminders: [],
    expectedMinutes: { admit: 15, prove: 30, open: 15 },
    stagingData: [],
  };
}

function migration(version: number): Migration {
  const folder = `${version}_a_migration_with_a_name_of_some_length`;
  return {
    version: String(version).padStart(3, "0"),
    folder,
    title: "A migration with a title of some length",
    expectedMinutes: 10,
    checklist: ["it is so"],
    migrate: { path: `${folder}/migrate.sql`, checksum: "d".repeat(64), steps: [] },
    validate: { path: `${folder}/validate.sql`, checks: [] },
    rollback: { path: `${folder}/rollback.sql`, checksum: "d".repeat(64), steps: [] },
  };
}
