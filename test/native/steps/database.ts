import { randomBytes } from "node:crypto";
import { loadModule } from "libpg-query";
import { afterEach, beforeAll, beforeEach } from "vitest";
import type { LedgerKey } from "../../../lambdas/ledger/ledger.ts";
import { runSteps } from "../../../lambdas/migrate/run-steps.ts";
import type { StepDoc } from "../../../lambdas/shared/documents.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { parseSqlFile } from "../../../lib/plan/sql-file.ts";
import { onServer, urlOf } from "../../support/native.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";

export const KEY: LedgerKey = { run: "r", version: "001", round: 1, direction: "migrate" };

export interface Wishes {
  lockTimeoutMs?: number;
  lockTries?: number;
  concurrentWaitMs?: number;
  /** How long the worker may live. */
  livesMs?: number;
  limitMinutes?: number;
  noticesRewrites?: boolean;
  runAs?: string;
  key?: Partial<LedgerKey>;
}

export interface Worker {
  ports: MemoryPorts;
  steps: Promise<StepDoc[] | undefined>;
}

export interface Scratch {
  readonly name: string;
  /** A session as a superuser. */
  connected<T>(work: (session: Session) => Promise<T>): Promise<T>;
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** A worker that runs the steps of that text. */
  work(sql: string, wishes?: Wishes): Worker;
  apply(sql: string, wishes?: Wishes): Promise<StepDoc[] | undefined>;
  /** Names of the steps that the ledger has as done. */
  done(): Promise<string[]>;
  /** Resolves when the query yields a row; what it asks for need not be there yet. */
  until(sql: string): Promise<void>;
}

/** A new database for each test of the file. */
export function useDatabase(setUp: string): Scratch {
  let name = "";
  beforeAll(() => loadModule());
  beforeEach(async () => {
    name = `sluice_steps_${randomBytes(4).toString("hex")}`;
    await onServer((s) => s.exec(`CREATE DATABASE ${name}`));
    await connected((s) => s.exec(setUp));
  });
  afterEach(() => onServer((s) => s.exec(`DROP DATABASE ${name} WITH (FORCE)`)));

  const connected: Scratch["connected"] = (work) => withPgSession({ connectionString: urlOf(name) }, work);

  const work: Scratch["work"] = (
    sql,
    { livesMs, limitMinutes, noticesRewrites, runAs, key, ...settings } = {},
  ) => {
    const ports = memoryPorts({ plan: { schema: undefined, ...(runAs === undefined ? {} : { runAs }) } });
    ports.settings = { ...ports.settings, lockTimeoutMs: 100, lockTries: 20, ...settings };
    const began = performance.now();
    ports.clock.remaining = () =>
      livesMs === undefined ? Number.POSITIVE_INFINITY : livesMs - (performance.now() - began);
    const steps = connected((session) =>
      runSteps(session, ports, {
        key: { ...KEY, ...key },
        file: parseSqlFile("m.sql", sql),
        checksum: "c",
        failure: "StepFailed",
        limitMinutes,
        beside: connected,
        noticesRewrites,
      }),
    );
    return { ports, steps };
  };

  return {
    get name() {
      return name;
    },
    connected,
    query: <Row>(sql: string) => connected((s) => s.query<Row>(sql)),
    work,
    apply: (sql, wishes) => work(sql, wishes).steps,
    done: async () => {
      const rows = await connected((s) =>
        s.query<{ name: string }>("SELECT name FROM sluice.step WHERE outcome = 'done' ORDER BY ordinal"),
      );
      return rows.map((row) => row.name);
    },
    until: (sql) =>
      connected(async (s) => {
        const deadline = performance.now() + 30_000;
        while ((await s.query(sql).catch(() => [])).length === 0) {
          if (performance.now() > deadline) throw new Error(`Nothing came of: ${sql}`);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }),
  };
}

/** Pids of the workers' sessions that sleep, as the steps of these tests do. */
export const SLEEPING =
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sluice %' AND wait_event = 'PgSleep'";
