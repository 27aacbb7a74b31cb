import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench } from "./harness.ts";
import { peers, run } from "./peers.ts";
import { count, duration, median, timed } from "./stats.ts";
import type { Measurement } from "./types.ts";

const APPLY = fileURLToPath(new URL("apply-folder.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const TIMES = 3;

const pad = (n: number) => String(n).padStart(5, "0");
const UP = (n: number) => `CREATE TABLE trivial_${n} (id int PRIMARY KEY, note text);\n`;
const DOWN = (n: number) => `DROP TABLE trivial_${n};\n`;

interface Tool {
  name: string;
  /** Returns a migration's file in the tool's format. */
  file(n: number): { name: string; text: string };
  /** The tool's preparation, once before all applies. */
  prepare?(folder: string): Promise<unknown>;
  apply(folder: string, url: string): Promise<unknown>;
}

/** Measures a migration's cost beside its SQL: trivial migrations, each in its own transaction, with three tools. */
export const overhead: Measurement = {
  name: "overhead",
  async measure(bench) {
    const { migrations } = bench.sizes;
    const bin = await peers();
    const withoutTls = (url: string) => `${url}?sslmode=disable`;
    const ours: Tool = {
      name: "Sluice",
      file: (n) => ({ name: `${pad(n)}_trivial.sql`, text: UP(n) }),
      prepare: (folder) => run(process.execPath, ["--import", TSX, APPLY, "compile", folder]),
      apply: (folder, url) => run(process.execPath, ["--import", TSX, APPLY, "apply", folder, url]),
    };
    const others: Tool[] = [
      {
        name: "dbmate",
        file: (n) => ({
          name: `${pad(n)}_trivial.sql`,
          text: `-- migrate:up\n${UP(n)}\n-- migrate:down\n${DOWN(n)}`,
        }),
        apply: (folder, url) =>
          run(
            join(bin, "dbmate"),
            ["--url", withoutTls(url), "--migrations-dir", folder, "--no-dump-schema", "migrate"],
            {
              maxBuffer: 1e8,
            },
          ),
      },
      {
        name: "node-pg-migrate",
        file: (n) => ({
          name: `${pad(n)}_trivial.sql`,
          text: `-- Up Migration\n${UP(n)}\n-- Down Migration\n${DOWN(n)}`,
        }),
        apply: (folder, url) =>
          run(
            join(bin, "node-pg-migrate"),
            ["up", "--migrations-dir", folder, "--no-single-transaction", "--no-verbose"],
            {
              env: { ...process.env, DATABASE_URL: url },
              maxBuffer: 1e8,
            },
          ),
      },
    ];
    const each = new Map<string, number[]>();
    for (let time = 0; time < TIMES; time++)
      for (const tool of [ours, ...others]) {
        bench.progress(`${count(migrations)} trivial migrations by ${tool.name} (${time + 1} of ${TIMES})`);
        each.set(tool.name, [...(each.get(tool.name) ?? []), await perMigration(bench, tool, migrations)]);
      }
    const oursMs = median(each.get(ours.name) ?? []);
    const figures = others.map(({ name }) => ({ name, ms: median(each.get(name) ?? []) }));
    const faster = figures.reduce((a, b) => (a.ms <= b.ms ? a : b));
    return [
      {
        what: `a trivial migration, of ${count(migrations)}: what it takes beside the tool's start`,
        asWritten: figures.map(({ name, ms }) => `${name} ${duration(ms)}`).join(", "),
        ours: duration(oursMs),
        ratio: faster.ms / oursMs,
        target: "not slower than the faster",
        reached: oursMs <= faster.ms,
        note: `the median of ${TIMES} runs in turns, each tool's start (one migration) taken off; every migration is a transaction of its own for all three. Ours writes its ledger in it; it is parsed beforehand, when the app is synthesized. All three hold one session, and ours one lock, for all of them; a run of ours has a session and a lock for each migration.`,
        figures: Object.fromEntries(each),
      },
    ];
  },
};

/** Returns the milliseconds that one more migration takes. */
async function perMigration(bench: Bench, tool: Tool, migrations: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const database = await bench.empty();
  try {
    const fill = async (from: number, to: number) => {
      for (let n = from; n <= to; n++) {
        const { name, text } = tool.file(n);
        await writeFile(join(folder, name), text);
      }
      await tool.prepare?.(folder);
    };
    await fill(1, 1);
    await tool.apply(folder, database.url);
    await fill(2, 2);
    const start = await timed(() => tool.apply(folder, database.url));
    await fill(3, migrations + 2);
    const all = await timed(() => tool.apply(folder, database.url));
    const [row] = await database.asSuperuser((session) =>
      session.query<{ made: number }>(
        "SELECT count(*)::int AS made FROM pg_tables WHERE tablename LIKE 'trivial%'",
      ),
    );
    if (row?.made !== migrations + 2)
      throw new Error(`${tool.name} made ${row?.made} tables instead of ${migrations + 2}`);
    return (all.ms - start.ms) / (migrations - 1);
  } finally {
    await bench.drop(database);
    await rm(folder, { recursive: true, force: true });
  }
}
