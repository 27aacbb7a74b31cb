import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runFiles, type StepsRun } from "../lambdas/migrate/run-steps.ts";
import { withPgSession } from "../lambdas/shared/pg-session.ts";
import type { Migration, SqlFile } from "../lambdas/shared/plan.ts";
import type { OpenSession } from "../lambdas/shared/session.ts";
import { enginePorts } from "./engine.ts";

// The step engine as a separate process, to time it beside other tools: `apply-folder compile FOLDER` parses every
// .sql file of a folder, as synthesizing the app does, and `apply-folder apply FOLDER URL` applies the migrations that the
// ledger does not have yet. Each file is a migration.

const COMPILED = "compiled.json";

async function compile(folder: string): Promise<void> {
  const { loadModule } = await import("libpg-query");
  const { parseSqlFile } = await import("../lib/plan/sql-file.ts");
  await loadModule();
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const files = await Promise.all(
    names.map(async (name) => parseSqlFile(name, await readFile(join(folder, name), "utf8"))),
  );
  await writeFile(join(folder, COMPILED), JSON.stringify(files));
}

async function apply(folder: string, url: string): Promise<void> {
  const files = JSON.parse(await readFile(join(folder, COMPILED), "utf8")) as SqlFile[];
  const beside: OpenSession = (work) => withPgSession({ connectionString: url }, work);
  await beside(async (session) => {
    await session.exec("CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)");
    const applied = await session.query<{ version: string }>("SELECT version FROM schema_migrations");
    const done = new Set(applied.map(({ version }) => version));
    const all = files.map((file) => ({ file, version: file.path.split("_")[0] ?? "", title: file.path }));
    const [first, ...others] = all
      .filter(({ version }) => !done.has(version))
      .map(
        ({ file, version }): StepsRun => ({
          key: { run: "bench", version, round: 1, direction: "migrate" },
          file,
          checksum: file.checksum,
          failure: "StepFailed",
          limitMinutes: undefined,
          beside,
        }),
      );
    if (!first) return;
    const schema = { table: "schema_migrations", expectedVersion: "00000" };
    await runFiles(session, enginePorts({ schema, migrations: all as unknown as Migration[] }), [
      first,
      ...others,
    ]);
  });
}

const [what, folder = "", url = ""] = process.argv.slice(2);
await (what === "compile" ? compile(folder) : apply(folder, url));
