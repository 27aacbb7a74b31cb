import { defineConfig } from "vitest/config";

// Tiers: unit, sql and machine need only Node; native needs a PostgreSQL server, browser needs Chromium (see
// their global set-ups).
const tier = (name: string, seconds: number, extra: Record<string, unknown> = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 1000,
    ...extra,
  },
});

// Files share a worker's modules, and replace or change none: loading Postgres and the CDK takes seconds.
const SHARED = { isolate: false };

// But these replace some, or set what the functions' own modules read once: each has a worker's modules to itself.
const ALONE = [
  "test/unit/aws/**/*.test.ts",
  "test/unit/gate/key.test.ts",
  "test/unit/gate/api-gateway.test.ts",
];

const MATRIX = "test/machine/matrix";

/** Whole runs, two dozen and more: CI's, as npm test is to take under four minutes. */
const RUNS = [
  ...[
    "changes",
    "demo",
    "drill",
    "ends-back",
    "ends-forward",
    "hooks-and-gates",
    "import",
    "mistakes",
    "ways-back",
    "small-plan",
    "schema-per-tenant",
    "rollout-embedded",
  ].map((name) => `test/machine/${name}.test.ts`),
  // Rollbacks that Sluice writes, for the bundled migrations and for changes of every kind, each tried as rehearsals do.
  ...["bundled", "make", "undo"].map((name) => `test/sql/rollback/${name}.test.ts`),
];

const report = process.env.SLUICE_TEST_REPORT;

export default defineConfig({
  test: {
    // All cores: by default one is left free, and on two cores that takes twice as long.
    maxWorkers: "100%",
    // CI adds up what each suite counted.
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    projects: [
      tier("unit", 60, { ...SHARED, exclude: ALONE }),
      tier("unit-alone", 60, { include: ALONE }),
      tier("sql", 120, { ...SHARED, exclude: RUNS }),
      tier("machine", 180, { ...SHARED, exclude: [`${MATRIX}/**`, ...RUNS] }),
      // No shared worker: the embedded databases of earlier files slow down the later ones, by a third.
      tier("runs", 180, { include: RUNS }),
      // The failure matrix: some walks on stand-ins, for every change; all of them, or with SLUICE_MATRIX=sample some of each kind.
      tier("matrix-sample", 180, { ...SHARED, include: [`${MATRIX}/pairs-before.test.ts`] }),
      tier("matrix", 1800, {
        include: [`${MATRIX}/*.test.ts`],
        env: { SLUICE_MATRIX: process.env.SLUICE_MATRIX ?? "whole" },
      }),
      // Needs LocalStack's engine: a second interpreter for the same definitions.
      tier("interpreters", 120, { globalSetup: ["test/interpreters/global-setup.ts"] }),
      // Needs npm's registry: installs what `npm pack` makes where there is nothing else.
      tier("package", 600, { fileParallelism: false }),
      tier("browser", 240, { globalSetup: ["test/browser/global-setup.ts"] }),
      // The real tools of others, and whole runs beside them on one server.
      tier("tools", 240, { fileParallelism: false, globalSetup: ["test/tools/global-setup.ts"] }),
      // One deployed stack for all: nothing in it runs beside anything else.
      tier("e2e", 1200, { fileParallelism: false }),
      // One server for all: locks, kills and waits of one file must not disturb another's.
      tier("native", 180, { fileParallelism: false, globalSetup: ["test/support/native-server.ts"] }),
    ],
  },
});
