import { beforeEach, expect, test } from "vitest";
import { takeFingerprint } from "../../lambdas/proof/catalog.ts";
import { standingCatalog } from "../../lambdas/proof/stored-record.ts";
import { evidenceOf, type RunEvidence } from "../../lambdas/shared/evidence.ts";
import { useEmbedded } from "../support/embedded.ts";
import { memoryPorts } from "../support/ports.ts";
import { countingReadings } from "../support/readings.ts";

const { session, readings } = countingReadings(useEmbedded("CREATE ROLE app; CREATE TABLE t (id int)"));

let evidence: RunEvidence;
beforeEach(() => {
  evidence = evidenceOf(memoryPorts({}).evidence, "run-1");
});

const standing = () => standingCatalog(session, evidence, ["app"]);

test("a catalog is not read again while nothing is committed, in any session", async () => {
  const first = await standing();
  const before = readings();
  await session.query("SELECT * FROM t");
  await session.exec("BEGIN; SET LOCAL search_path = public; LOCK t; ROLLBACK; ANALYZE");
  await session.exec("BEGIN; SELECT count(*) FROM t; COMMIT");
  const other = evidenceOf(memoryPorts({}).evidence, "run-2");
  await standingCatalog(session, other, ["app"]);
  expect(readings()).toBe(before + 1);
  await standing();
  const known = await standing();
  expect(readings()).toBe(before + 2);
  expect(known.doc).toEqual(first.doc);
  expect(await known.whole()).toEqual(await takeFingerprint(session, ["app"]));
});

test.each([
  ["a column", "ALTER TABLE t ADD c int"],
  ["a comment", "COMMENT ON TABLE t IS 'changed'"],
  ["a grant", "GRANT SELECT ON t TO app"],
  ["a role's attribute, which is the server's", "ALTER ROLE app CONNECTION LIMIT 7"],
  ["a role's setting", "ALTER ROLE app SET work_mem = '8MB'"],
  ["a policy", "CREATE POLICY p ON t USING (true)"],
  ["a statement that failed half-way, and one that stands", "CREATE VIEW v AS SELECT id FROM t"],
])("%s that changed since shows", async (_, change) => {
  const { doc } = await standing();
  await session.exec("BEGIN; CREATE TABLE gone (); ROLLBACK");
  await session.exec(change);
  const now = await standing();
  expect(now.doc.hash).not.toBe(doc.hash);
  expect(now.doc.hash).toBe((await takeFingerprint(session, ["app"])).hash);
});

test("a change and its reversal are read, and found equal", async () => {
  const { doc } = await standing();
  const before = readings();
  await session.exec("CREATE TABLE brief ()");
  await session.exec("DROP TABLE brief");
  expect((await standing()).doc).toEqual(doc);
  expect(readings()).toBe(before + 1);
});

test("a reading during which somebody commits stands for no moment", async () => {
  let disturbed = false;
  const busy = {
    ...session,
    async exec(text: string) {
      await session.exec(text);
      if (text !== "COMMIT" || disturbed) return;
      disturbed = true;
      await session.exec("CREATE TABLE meanwhile ()");
    },
  };
  await standingCatalog(busy, evidence, []);
  expect(await evidence.list("fingerprints/at-")).toEqual([]);
});
