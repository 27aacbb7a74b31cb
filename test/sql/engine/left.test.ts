import { expect, test } from "vitest";
import { takeFingerprint } from "../../../lambdas/proof/catalog.ts";
import { keepFingerprint } from "../../../lambdas/proof/stored-record.ts";
import { Doc, docName } from "../../../lambdas/shared/documents.ts";
import { evidenceOf } from "../../../lambdas/shared/evidence.ts";
import type { Databases } from "../../../lambdas/shared/ports.ts";
import { lookForLeft } from "../../../lambdas/validate/as-rehearsed.ts";
import { useEmbedded } from "../../support/embedded.ts";
import { memoryPorts } from "../../support/ports.ts";

const INVALID = (name: string) =>
  `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${name}'::regclass;`;
const session = useEmbedded(`CREATE TABLE t (id int, x int); CREATE INDEX was ON t (id); ${INVALID("was")}
  ALTER TABLE t ADD CONSTRAINT open_before CHECK (x > 0) NOT VALID;
  CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)`);
const databases: Databases = { single: true, withSession: (_endpoint, work) => work(session) };

test("what the migrations left half made is reported, except what was so before or is so on purpose", async () => {
  const ports = memoryPorts({ databases });
  const evidence = evidenceOf(ports.evidence, "run-1");
  await evidence.createOnce(docName(Doc.production), { endpoint: { host: "production", port: 5432 } });
  await keepFingerprint(evidence, "before", await takeFingerprint(session));
  await session.exec(`CREATE INDEX "Left" ON t (x); ${INVALID('"Left"')}
    CREATE INDEX on_only ON ONLY p (id);
    ALTER TABLE t ADD CONSTRAINT open_now CHECK (x < 100) NOT VALID;
    ALTER TABLE t ADD CONSTRAINT never CHECK (x <> 7) NOT ENFORCED`);
  expect(await lookForLeft(ports, evidence, "production")).toMatchObject({
    invalidIndexes: ['public."Left"'],
    notValid: ["open_now on public.t"],
  });
});
