import { afterEach, beforeEach, expect, test } from "vitest";
import { noteMoment, passMoment } from "../../lambdas/moments/moment.ts";
import { Doc, docName } from "../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../lambdas/shared/pg-session.ts";
import type { Session } from "../../lambdas/shared/session.ts";
import { type NativeDatabase, onServer, tinyDatabase } from "../support/native.ts";
import { memoryPorts } from "../support/ports.ts";

let database: NativeDatabase;
beforeEach(async () => {
  database = await tinyDatabase();
});
afterEach(() => onServer((s) => s.exec(`DROP DATABASE "${database.name}" WITH (FORCE)`)));

const within = <T>(work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: database.url }, work);

async function environment() {
  const ports = memoryPorts();
  ports.clock.now = () => new Date();
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.production), {
    identity: "db-1",
    moments: { by: "archive", baseAt: null },
  });
  return { ports, evidence };
}

test("a prepared transaction is refused behind the fence: after a restore to the moment it would be in doubt", async () => {
  const { ports, evidence } = await environment();
  const gid = `in doubt ${database.name}`;
  await within((s) => s.exec(`BEGIN; CREATE TABLE in_doubt (); PREPARE TRANSACTION '${gid}'`));
  try {
    await expect(within((s) => noteMoment(s, "final", ports, evidence))).rejects.toMatchObject({
      name: "BackupMismatch",
      message: expect.stringContaining(gid),
    });
    expect(await evidence.list("moments/")).toEqual([]);
  } finally {
    await within((s) => s.exec(`ROLLBACK PREPARED '${gid}'`));
  }
  await within((s) => noteMoment(s, "final", ports, evidence));
});

test("what commits in many sessions until the moment is noted is dated before it, and what comes after it is not", async () => {
  const { ports, evidence } = await environment();
  await within((s) => s.exec("CREATE TABLE tick (at timestamptz DEFAULT clock_timestamp())"));
  let writes = true;
  const application = Array.from({ length: 3 }, () =>
    within(async (s) => {
      while (writes) await s.query("INSERT INTO tick DEFAULT VALUES");
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  writes = false;
  await Promise.all(application);
  const { moment } = await within((s) => noteMoment(s, "final", ports, evidence));
  await within((s) => passMoment(s, "final", ports, evidence));
  const [row] = await within(async (s) => {
    const before = await s.query<{ all: number; before: number }>(
      "SELECT count(*)::int AS all, count(*) FILTER (WHERE at < $1)::int AS before FROM tick",
      [moment.at],
    );
    await s.query("INSERT INTO tick DEFAULT VALUES");
    return before;
  });
  expect(row?.all).toBeGreaterThan(0);
  expect(row?.before).toBe(row?.all);
  const [after] = await within((s) =>
    s.query("SELECT count(*)::int AS after FROM tick WHERE at > $1", [moment.at]),
  );
  expect(after).toEqual({ after: 1 });
});

test("a role whose statements may take little more than a second waits for the moment all the same", async () => {
  const { ports, evidence } = await environment();
  await within((s) => noteMoment(s, "final", ports, evidence));
  await within(async (s) => {
    await s.exec("SET statement_timeout = '1100ms'");
    await passMoment(s, "final", ports, evidence);
  });
  expect(await evidence.read(Doc.momentPassed("final"))).toBeDefined();
});
