import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { loadModule } from "libpg-query";
import { onTestFinished } from "vitest";
import { ensureLedger } from "../../lambdas/ledger/ledger.ts";
import { runSteps } from "../../lambdas/migrate/run-steps.ts";
import { inspectVersion } from "../../lambdas/preflight/inspect-version.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import { type CompiledPlan, migrationOf, rollbackOf } from "../../lambdas/shared/plan.ts";
import type { PreflightCheck } from "../../lambdas/shared/ports.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { versionTables } from "../../lambdas/version-table/tables.ts";
import { NATIVE_URL, onServer, urlOf } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

const execute = promisify(execFile);

/** Owns the databases, and is no superuser. */
const OWNER = "sluice_tools";

/** A database of its own, and a folder of a tool's migrations. */
export class Place {
  /** As the owner; the tools log in as the owner, too. */
  readonly url: string;
  readonly user = OWNER;
  readonly server = new URL(NATIVE_URL);

  private constructor(
    readonly database: string,
    readonly folder: string,
  ) {
    this.url = urlOf(database, OWNER);
  }

  /** Gone after the test. */
  static async make(): Promise<Place> {
    await loadModule();
    const place = new Place(
      `sluice_tool_${randomBytes(4).toString("hex")}`,
      await mkdtemp(join(tmpdir(), "sluice-tool-")),
    );
    await onServer(async (s) => {
      // Test files that begin together may both find that it is not there.
      await s.exec(`DO $$ BEGIN CREATE ROLE ${OWNER} LOGIN CREATEDB NOSUPERUSER;
          GRANT pg_signal_backend, pg_read_all_stats TO ${OWNER};
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`);
      await s.exec(`CREATE DATABASE ${place.database} OWNER ${OWNER}`);
    });
    onTestFinished(async () => {
      await onServer((s) => s.exec(`DROP DATABASE ${place.database} WITH (FORCE)`));
      await rm(place.folder, { recursive: true, force: true });
    });
    return place;
  }

  /** Another database, with the same folder. */
  async again(): Promise<Place> {
    const { database } = await Place.make();
    return new Place(database, this.folder);
  }

  async write(file: string, text: string): Promise<void> {
    const path = join(this.folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  /** Runs a program in the folder; what it prints. Rejects with that where it exits with anything but 0. */
  async run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const options = { cwd: this.folder, env: { ...process.env, ...env }, timeout: 120_000 };
    const { stdout, stderr } = await execute(program, [...args], options).catch(
      (error: Error & { stdout: string; stderr: string }) => {
        throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
      },
    );
    return `${stdout}${stderr}`;
  }

  connected<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return withPgSession({ connectionString: this.url }, work);
  }

  /** The migrations' own tables. */
  async tables(): Promise<string[]> {
    const rows = await this.connected((s) =>
      s.query<{ name: string }>(
        "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname ~ '^made[0-9]$' ORDER BY 1",
      ),
    );
    return rows.map(({ name }) => name);
  }

  /** Every row of the tool's own tables, without those columns. */
  contents(plan: CompiledPlan, without: readonly string[] = []): Promise<Record<string, unknown[]>> {
    return this.connected(async (session) => {
      const all: Record<string, unknown[]> = {};
      for (const table of await versionTables(session, plan.schema))
        all[table] = await session.query(
          `SELECT (to_jsonb(t) - $1::text[])::text AS row FROM ${table} t ORDER BY 1`,
          [without],
        );
      return all;
    });
  }

  /** What preflight has against the run. */
  async problems(plan: CompiledPlan): Promise<PreflightCheck[]> {
    const checks = await this.connected((s) => inspectVersion(s, plan));
    return checks.filter(({ passed }) => passed !== true);
  }

  /** As a run does it on production, with the same steps and the same note. */
  async apply(plan: CompiledPlan, ...versions: string[]): Promise<void> {
    for (const version of versions) await this.go(plan, version, "migrate");
  }

  async rollBack(plan: CompiledPlan, ...versions: string[]): Promise<void> {
    for (const version of versions) await this.go(plan, version, "rollback");
  }

  /** Each time another run's. */
  private async go(plan: CompiledPlan, version: string, direction: "migrate" | "rollback"): Promise<void> {
    const migration = migrationOf(plan, version);
    const { migrate } = migration;
    const key = { run: randomBytes(4).toString("hex"), version, round: 1, direction };
    await this.connected(async (session) => {
      await ensureLedger(session);
      await runSteps(session, memoryPorts({ plan }), {
        key,
        file: direction === "migrate" ? migrate : rollbackOf(migration),
        checksum: migrate.checksum,
        failure: direction === "migrate" ? "StepFailed" : "RollbackFailed",
        limitMinutes: undefined,
        beside: (work) => this.connected(work),
      });
    });
  }
}
