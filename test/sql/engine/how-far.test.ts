import { beforeEach, describe, expect, test } from "vitest";
import { howFar } from "../../../lambdas/clean-up/task.ts";
import { ensureLedger } from "../../../lambdas/ledger/ledger.ts";
import { Doc, docName, type ProofName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../../lambdas/shared/evidence.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { type MemoryPorts, memoryPorts } from "../../support/ports.ts";

const RUN = "run-1";
const session = useEmbedded();

let ports: MemoryPorts;
let evidence: RunEvidence;
beforeEach(async () => {
  await session.exec("DROP SCHEMA IF EXISTS sluice CASCADE");
  ports = memoryPorts({
    databases: { single: true, withSession: async (_endpoint, work) => await work(session) },
  });
  evidence = evidenceOf(ports.evidence, RUN);
  await evidence.createOnce(docName(Doc.request), { plan: { checksum: ports.plan.checksum } });
  await evidence.createOnce(docName(Doc.production), { endpoint: { host: "production", port: 5432 } });
});

const note = (...names: string[]) =>
  Promise.all(names.map((name) => evidence.createOnce(docName(name), { at: "2026-11-03T02:00:00.000Z" })));

/** As a migration leaves it that was begun, and rolled back or not. */
async function ledgerHas(version: string, rolledBack = false, run = RUN): Promise<void> {
  await ensureLedger(session);
  await session.query(
    `INSERT INTO sluice.migration (run, version, round, checksum, rolled_back_at)
     VALUES ($1, $2, 1, 'c', CASE WHEN $3 THEN now() END)`,
    [run, version, rolledBack],
  );
}

describe("how far a stopped run came on production", () => {
  test("nowhere, without a fence; the database is not read", async () => {
    ports.databases.withSession = () => Promise.reject(new Error("not to be asked"));
    expect(await howFar(ports, evidence)).toBe("untouched");
  });

  test("nowhere, where the ledger has nothing of it", async () => {
    await note(Doc.fence);
    expect(await howFar(ports, evidence)).toBe("untouched");
    await ledgerHas("002", false, "an-earlier-run");
    expect(await howFar(ports, evidence)).toBe("untouched");
  });

  test("into a migration, also where it is only begun", async () => {
    await note(Doc.fence);
    await ledgerHas("002");
    expect(await howFar(ports, evidence)).toBe("changed");
  });

  test("through a rollback that was not proven yet", async () => {
    await note(Doc.fence, Doc.rollback);
    await ledgerHas("002", true);
    expect(await howFar(ports, evidence)).toBe("changed");
  });

  test("to the opening, from the moment that it began to lift the fence", async () => {
    await note(Doc.fence, Doc.stateEntered("lift-the-fence"));
    await ledgerHas("002");
    expect(await howFar(ports, evidence)).toBe("opened");
  });

  test.each([Doc.hookSent("stop-again"), Doc.fenceAgain])("back from the opening, with %s", async (name) => {
    await note(Doc.fence, Doc.stateEntered("lift-the-fence"), name);
    await ledgerHas("002");
    expect(await howFar(ports, evidence)).toBe("reopened");
  });

  test("into a restore, where production may not answer", async () => {
    ports.databases.withSession = () => Promise.reject(new Error("gone"));
    await note(Doc.fence, Doc.restore);
    expect(await howFar(ports, evidence)).toBe("restoring");
  });

  const CLOSING = Doc.stateEntered("leave-no-fence");
  const prove = (name: ProofName, equal: boolean) => evidence.createOnce(docName(Doc.proof(name)), { equal });

  test("to an end that was proven, though the application is in again and may write", async () => {
    await note(Doc.fence, Doc.fenceAgain, Doc.rollback, CLOSING);
    await ledgerHas("002", true);
    await prove("production-rolled-back", true);
    expect(await howFar(ports, evidence)).toBe("rolled back");
  });

  test("to a restore that was proven, after a rollback that was not", async () => {
    await note(Doc.fence, Doc.rollback, Doc.restore, CLOSING);
    await prove("production-rolled-back", false);
    await prove("production-restored", true);
    expect(await howFar(ports, evidence)).toBe("restored");
  });

  test.each([
    ["a restore that failed", [Doc.restore]],
    ["a restore that was declined", [Doc.rollback]],
    ["one after the opening", [Doc.stateEntered("lift-the-fence"), Doc.fenceAgain]],
    ["a rollback that could not even begin", []],
  ])("to where an operator is needed, by %s: that was decided, and the fence is gone", async (_, names) => {
    await note(Doc.fence, CLOSING, ...names);
    await ledgerHas("002");
    expect(await howFar(ports, evidence)).toBe("given up");
  });

  test("to a success, or a refusal, that was giving back what it held", async () => {
    await note(Doc.fence, CLOSING);
    expect(await howFar(ports, evidence)).toBe("untouched");
    await note(Doc.stateEntered("lift-the-fence"));
    await ledgerHas("002");
    expect(await howFar(ports, evidence)).toBe("opened");
  });

  test("into a proof, with the fence still up: it continues", async () => {
    await note(Doc.fence, Doc.rollback);
    await ledgerHas("002", true);
    await prove("production-rolled-back", true);
    expect(await howFar(ports, evidence)).toBe("changed");
  });
});
