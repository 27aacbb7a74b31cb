import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { REPORT_DOCUMENT } from "../../lambdas/report/schema.ts";
import { Doc } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { fileEvidence } from "../../local/file-evidence.ts";
import { databases, type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { TINY_PLAN, temporaryFolder } from "../support/rehearsal.ts";

const SLUICE = new URL("../../bin/sluice.js", import.meta.url).pathname;

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(async () => {
  const ours = (await databases()).filter(
    (name) => name.startsWith(database.name) || name.startsWith("sluice-"),
  );
  for (const name of ours) await onServer((s) => s.exec(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`));
});

/** The command at a terminal of its own, by util-linux's `script`, which is the terminal. */
class Terminal {
  private printed = "";
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    const command = [process.execPath, SLUICE, ...args].map((arg) => `'${arg}'`).join(" ");
    this.child = spawn("script", ["-qfec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout?.on("data", (chunk) => {
      this.printed += String(chunk);
    });
  }

  /** Waits for a question, and types. */
  async answer(question: string, keys: string): Promise<void> {
    await until(() => this.printed.includes(question), question);
    this.printed = "";
    this.child.stdin?.write(keys);
  }

  async sees(text: string): Promise<void> {
    await until(() => this.printed.includes(text), text);
  }

  /** Ends it as a closed window or a lost connection does. */
  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }
}

async function until<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`It did not come to: ${what}`);
}

test("where the terminal is closed with the migration half done, the run goes back, and lets the application in", async () => {
  const out = join(await temporaryFolder(), "evidence");
  const apply = ["rehearse", "--plan", TINY_PLAN, "--database-url", database.url, "--apply", "--out", out];
  const terminal = new Terminal(...apply);
  for (const gate of ["readiness", "rehearsal"]) {
    await terminal.sees(`Gate ${gate}: `);
    await terminal.answer("Go? Type y or n", "y\r");
    await terminal.answer(`Type ${database.name}`, `${database.name}\r`);
  }
  await terminal.sees("Gate after-002: ");
  await terminal.close();
  const evidence = evidenceOf(fileEvidence(out), "any");
  const outcome = await until(() => evidence.read(Doc.outcome), "an outcome");
  expect(outcome).toMatchObject({ end: "RolledBack", leftBehind: [] });
  await until(async () => await evidence.read(REPORT_DOCUMENT), "a report");
  const [access] = await onServer((s) =>
    s.query("SELECT has_database_privilege('notes_app', $1, 'CONNECT') AS application", [database.name]),
  );
  expect(access).toEqual({ application: true });
});
