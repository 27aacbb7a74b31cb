import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fenceTask } from "../../../lambdas/fence/task.ts";
import { inspectRoles } from "../../../lambdas/preflight/inspect-roles.ts";
import { Doc, docName, type FenceDoc, type ProofDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import { withPgSession } from "../../../lambdas/shared/pg-session.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { loadPlan } from "../../../lib/plan/compile.ts";
import { fileEvidence } from "../../../local/file-evidence.ts";
import { databases, onServer, urlOf } from "../../support/native.ts";
import { memoryPorts } from "../../support/ports.ts";
import { changedPlan, runPlan, TINY_PLAN } from "../../support/rehearsal.ts";
import { type WorkerProcess, workerProcess } from "../../support/worker-process.ts";
import { type Fencing, fencing, RUN } from "./fencing.ts";
import type { Order } from "./worker.ts";

// One login for all: the application connects as the role that owns the database and everything in it. Sluice logs in as
// another role, a member of the owner, and runs the plan's steps as the owner.

const APP = "one_login_app";
const WEB = "one_login_web";
const SLUICE = "one_login_sluice";
const READER = "one_login_reader";

let name: string;
const on = <T>(role: string, work: (session: Session) => Promise<T>) =>
  withPgSession({ connectionString: urlOf(name, role), application_name: role }, work);
const mayConnect = (role: string) =>
  on(role, async () => true).catch((error: Error) => {
    if (/permission denied for database/.test(error.message)) return false;
    throw error;
  });
const access = async () =>
  (
    await onServer((s) =>
      s.query<{ acl: string }>(
        "SELECT item::text AS acl FROM pg_database d, unnest(d.datacl) AS item WHERE datname = $1 ORDER BY 1",
        [name],
      ),
    )
  ).map(({ acl }) => acl);
const plan = () =>
  changedPlan({
    "plan.yaml": (text) =>
      text
        .replace("applicationRoles: [notes_app]", `applicationRoles: [${APP}]\nrunAs: ${APP}`)
        .replace("as: notes_app", `as: ${APP}`),
    "003_labels/migrate.sql": (text) => text.replace("notes_app", APP),
    "003_labels/validate.sql": (text) => text.replace("notes_app", APP),
  });

beforeAll(async () => {
  for (const role of [APP, WEB, SLUICE, READER])
    await onServer((s) =>
      s.exec(
        `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE ${role} LOGIN; END IF; END $$`,
      ),
    );
  await onServer((s) =>
    s.exec(
      `ALTER ROLE ${SLUICE} CREATEDB; GRANT ${APP} TO ${WEB}, ${SLUICE}; GRANT pg_signal_backend, pg_read_all_stats TO ${SLUICE}`,
    ),
  );
});
beforeEach(async () => {
  name = `sluice_one_login_${randomBytes(4).toString("hex")}`;
  await onServer((s) => s.exec(`CREATE DATABASE ${name} OWNER ${APP}`));
  // Spelled out, as the list is once anything was granted.
  await onServer((s) => s.exec(`GRANT CONNECT ON DATABASE ${name} TO PUBLIC`));
  const { local } = await loadPlan(TINY_PLAN);
  await on(APP, async (session) => {
    for (const { sql } of local?.baseline ?? [])
      await session.exec(sql.replace("CREATE ROLE notes_app NOLOGIN;", "").replaceAll("notes_app", APP));
  });
});
afterEach(async () => {
  for (const database of (await databases()).filter(
    (one) => one.startsWith(name) || one.startsWith("sluice-"),
  ))
    await onServer((s) => s.exec(`DROP DATABASE "${database}" WITH (FORCE)`));
});
afterAll(() =>
  onServer((s) =>
    s.exec(
      `DROP OWNED BY ${APP}, ${WEB}, ${SLUICE}, ${READER}; DROP ROLE ${APP}, ${WEB}, ${SLUICE}, ${READER}`,
    ),
  ),
);

describe("a run whose application connects as the owner", () => {
  test("keeps it out from the fence to the opening, makes all as the owner, and gives back exactly what was there", async () => {
    const before = await access();
    const connected: boolean[][] = [];
    const look = async () => connected.push([await mayConnect(APP), await mayConnect(WEB)]);
    const { end, evidence } = await runPlan({
      plan: await plan(),
      databaseUrl: urlOf(name, SLUICE),
      apply: true,
      onEvent: async (event) => {
        if (event.type === "gate" && ["rehearsal", "after-002"].includes(event.gate.doc.gate)) await look();
      },
    });
    await look();
    expect(end.end).toBe("Succeeded");
    expect(connected).toEqual([
      [true, true],
      [false, false],
      [true, true],
    ]);
    expect(await access()).toEqual(before);
    expect(await evidence.require(docName<FenceDoc>("fence"))).toMatchObject({
      granted: [SLUICE],
      roles: [APP, WEB],
    });
    const owners = await on(APP, (s) =>
      s.query(
        "SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace",
      ),
    );
    expect(owners).toEqual([{ owner: APP }]);
  });

  test("goes back, by rollback and by restore, to exactly what was there, with the rehearsal inside the fence too", async () => {
    const before = await access();
    const back = await runPlan({
      plan: await plan(),
      databaseUrl: urlOf(name, SLUICE),
      apply: true,
      rehearse: "inside",
      noGo: ["after-003"],
    });
    expect(back.end.end).toBe("RolledBack");
    expect((await back.evidence.require(docName<ProofDoc>("proofs/production-rolled-back"))).equal).toBe(
      true,
    );
    expect(await access()).toEqual(before);
    const broken = await plan();
    const restored = await runPlan({
      plan: broken,
      databaseUrl: urlOf(name, SLUICE),
      apply: true,
      noGo: ["open"],
      fail: ["Roll back 003"],
    });
    expect(restored.end.end).toBe("Restored");
    expect(await access()).toEqual(before);
    expect([await mayConnect(APP), await mayConnect(WEB)]).toEqual([true, true]);
  });
});

describe("preflight", () => {
  const found = (role: string, settings: { runAs?: string; applicationRoles: string[] }) =>
    withPgSession({ connectionString: urlOf(name, role) }, async (session) =>
      (await inspectRoles(session, memoryPorts({ plan: settings }))).filter(({ passed }) => passed === false),
    );
  const oneLogin = { runAs: APP, applicationRoles: [APP] };

  test("passes a login of Sluice's own that may run as the owner", async () => {
    expect(await found(SLUICE, oneLogin)).toEqual([]);
    // The fence ends these.
    await on(APP, () => on(WEB, async () => expect(await found(SLUICE, oneLogin)).toEqual([])));
  });

  test("refuses the application's own login, with which no fence could distinguish sessions", async () => {
    const [login] = await found(APP, oneLogin);
    expect(login).toMatchObject({
      name: "login",
      seen: expect.stringContaining("also the application's login"),
    });
    expect(login?.mend).toContain(`runAs: ${APP}`);
  });

  test("refuses an application that owns tables without a matching `runAs`, and shows where to read on", async () => {
    const problems = await found(SLUICE, { applicationRoles: [APP] });
    expect(problems).toMatchObject([
      { name: `application role ${APP}`, mend: expect.stringContaining("One login for all") },
    ]);
  });

  test("refuses a login that may not run as the role, and a role that is not there", async () => {
    expect(await found(READER, oneLogin)).toContainEqual(
      expect.objectContaining({ name: "login", mend: expect.stringContaining(`GRANT ${APP} TO ${READER}`) }),
    );
    expect(await found(SLUICE, { runAs: "one_login_nobody", applicationRoles: [APP] })).toContainEqual(
      expect.objectContaining({ name: "login", seen: "role one_login_nobody does not exist" }),
    );
  });

  test.each([
    [
      "the owner, where the plan names a role that nobody uses",
      APP,
      { applicationRoles: [READER] },
      `1 of ${APP} (${APP})`,
    ],
    ["a member of the owner", WEB, { applicationRoles: [READER] }, `1 of ${WEB} (${WEB})`],
    [
      "Sluice's own login, from elsewhere",
      SLUICE,
      oneLogin,
      `1 of ${SLUICE} (${SLUICE}), which Sluice logs in as`,
    ],
    ["a superuser", "postgres", oneLogin, "1 of postgres (postgres)"],
  ])("refuses a session that may write and is not fenced: %s", async (_what, role, settings, seen) => {
    await on(role, async () =>
      expect(await found(SLUICE, settings)).toContainEqual(
        expect.objectContaining({ name: "sessions that no fence keeps out", seen }),
      ),
    );
  });

  test("names a role that may write and keeps CONNECT, though none is connected", async () => {
    const roles = async () =>
      withPgSession({ connectionString: urlOf(name, SLUICE) }, async (session) =>
        (await inspectRoles(session, memoryPorts({ plan: oneLogin }))).find(
          (check) => check.name === "roles that no fence keeps out",
        ),
      );
    await on(APP, (s) => s.exec(`GRANT INSERT ON note TO ${READER}`));
    expect(await roles()).toMatchObject({ passed: true });
    await on(APP, (s) => s.exec(`GRANT CONNECT ON DATABASE ${name} TO ${READER}`));
    expect(await roles()).toMatchObject({ passed: null, seen: READER });
  });

  test("passes a session that may only read, until it may write a single column", async () => {
    await on(APP, (s) => s.exec(`GRANT SELECT ON note TO ${READER}`));
    await on(READER, async () => {
      expect(await found(SLUICE, oneLogin)).toEqual([]);
      await on(APP, (s) => s.exec(`GRANT UPDATE (body) ON note TO ${READER}`));
      expect(await found(SLUICE, oneLogin)).toMatchObject([{ seen: `1 of ${READER} (${READER})` }]);
    });
  });
});

describe("the fence", () => {
  const fence = async (action: { action: "fence"; again: boolean } | { action: "leave" }) => {
    const ports = {
      ...memoryPorts({
        databases: {
          single: false,
          withSession: (_endpoint, work) => withPgSession({ connectionString: urlOf(name, SLUICE) }, work),
        },
        plan: { applicationRoles: [APP], runAs: APP },
      }),
      clock: { now: () => new Date(), remaining: () => Number.POSITIVE_INFINITY },
    };
    const evidence = evidenceOf(ports.evidence, "r");
    await evidence.createOnce(docName(Doc.production), { endpoint: { host: "production", port: 5432 } });
    const fields = { run: "r", execution: "local:1:r", planChecksum: "" as const, state: "Fence" };
    const take = () => fenceTask.run({ ...fields, ...action }, ports, evidence);
    await take().finally(() => fenceTask.run({ ...fields, action: "leave" }, ports, evidence));
  };

  test("does not hold while a session may still write, names that session, and gives back the rights it took", async () => {
    const before = await access();
    await on("postgres", async () =>
      expect(fence({ action: "fence", again: false })).rejects.toThrow(
        /does not hold: 1 of postgres \(postgres\) can write/,
      ),
    );
    expect(await access()).toEqual(before);
  });

  test("lets a way back continue beside that session", async () => {
    await on("postgres", () => fence({ action: "fence", again: true }));
  });

  test("ends the sessions of the owner and of roles that act as the owner", async () => {
    await on(APP, (app) =>
      on(WEB, async (web) => {
        await fence({ action: "fence", again: false });
        for (const session of [app, web]) await expect(session.query("SELECT 1")).rejects.toThrow();
      }),
    );
  });
});

describe("whenever the worker that fences is killed", () => {
  let worker: WorkerProcess;
  beforeAll(async () => {
    worker = await workerProcess(new URL("worker.ts", import.meta.url));
  });
  afterAll(() => worker.remove());

  test.each(["fence", "leave"] as const)(
    "to %s, Sluice gets in, the next one makes it hold or lifts it, and what was there is given back exactly",
    async (action) => {
      const before = await access();
      let kills = 0;
      for (let call = 1, more = true; more; call++)
        for (const when of ["before", "during"] as const) {
          const evidence = await mkdtemp(join(worker.folder, "evidence-"));
          await evidenceOf(fileEvidence(evidence), RUN).createOnce(docName(Doc.production), {
            endpoint: { host: "production", port: 5432 },
          });
          // Only the one that is killed needs a process of its own.
          const as = (what: Fencing["action"]): Fencing => ({
            url: urlOf(name, SLUICE),
            folder: evidence,
            application: APP,
            action: what,
          });
          if (action === "leave") await fencing(as("fence"));
          const order: Order = { ...as(action), kill: { call, when } };
          more = (await worker.run(order)) === undefined;
          if (!more) break;
          kills++;
          expect(await mayConnect(SLUICE)).toBe(true);
          if (action === "fence" && when === "before") {
            await fencing(as("fence"));
            expect([await mayConnect(APP), await mayConnect(WEB), await mayConnect(SLUICE)]).toEqual([
              false,
              false,
              true,
            ]);
          }
          await fencing(as("leave"));
          expect(await access()).toEqual(before);
          expect([await mayConnect(APP), await mayConnect(WEB), await mayConnect(SLUICE)]).toEqual([
            true,
            true,
            true,
          ]);
          // A worker that dies between its claim and the note of its fence leaves the claim, which its run's next one takes over.
          if (await evidenceOf(fileEvidence(evidence), RUN).read(Doc.fence))
            expect(await on(APP, (s) => s.query("SELECT to_regnamespace('sluice')::text AS ledger"))).toEqual(
              [{ ledger: null }],
            );
        }
      expect(kills).toBeGreaterThan(10);
    },
    900_000,
  );
});
