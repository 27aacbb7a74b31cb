import { defineConfig } from "vitest/config";

// Tiers: unit, sql and machine need nothing but Node; native needs a PostgreSQL server (see its global set-up).
const tier = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000, hookTimeout: 60_000, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      tier("unit"),
      tier("sql", { testTimeout: 120_000, hookTimeout: 120_000 }),
      tier("machine", { testTimeout: 180_000, hookTimeout: 180_000 }),
      tier("native", { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false }),
    ],
  },
});
