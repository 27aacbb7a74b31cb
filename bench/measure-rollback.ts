import { takeFingerprint } from "../lambdas/proof/catalog.ts";
import { listTables, type TableContent, takeTableContent } from "../lambdas/proof/checksums.ts";
import { compareContents } from "../lambdas/proof/compare-contents.ts";
import { differences } from "../lambdas/proof/difference.ts";
import type { Fingerprint } from "../lambdas/shared/documents.ts";
import { isPostgresError } from "../lambdas/shared/errors.ts";
import { migrate, rollBack } from "./engine.ts";
import type { Bench, Database } from "./harness.ts";
import { count, duration, timed } from "./stats.ts";
import type { Measurement } from "./types.ts";
import { agentsFor, indexWithMemory, loadVectors } from "./vectors.ts";

const NEWEST_FIRST = ["008", "007", "006"];

/** The object of the plan's 007 that makes its rollback fail: a view over what is dropped. */
const AS_MIGRATED = `
  CREATE TYPE isolation_level AS ENUM ('strict', 'shared', 'federated');
  CREATE TABLE tenants (id VARCHAR(255) PRIMARY KEY, name TEXT, isolation_level isolation_level);
  ALTER TABLE agent_profiles ADD COLUMN tenant_id VARCHAR(255) REFERENCES tenants (id);
  CREATE VIEW tenant_statistics AS
    SELECT t.id, count(DISTINCT a.id) AS agent_count FROM tenants t LEFT JOIN agent_profiles a ON a.tenant_id = t.id GROUP BY t.id;
  CREATE FUNCTION update_tenant_isolation(p_tenant_id VARCHAR, p_new_level isolation_level) RETURNS BOOLEAN
    LANGUAGE sql AS 'UPDATE tenants SET isolation_level = p_new_level WHERE id = p_tenant_id RETURNING true'`;
const AS_WRITTEN = `
  BEGIN;
  ALTER TABLE agent_profiles DISABLE ROW LEVEL SECURITY;
  ALTER TABLE agent_profiles DROP COLUMN IF EXISTS tenant_id;
  DROP TABLE IF EXISTS tenants CASCADE;
  DROP TYPE IF EXISTS isolation_level;
  COMMIT`;

/** Measures the rollback with realistic data, including the proof that the database is back. */
export const rollback: Measurement = {
  name: "rollback",
  async measure(bench) {
    const { rows, vectors } = bench.sizes;
    const written = await asWritten(bench);
    const agents = Math.max(10_000, agentsFor(vectors));
    const database = await bench.copyOf(await bench.baseline({ events: rows, agents }));
    const before = await read(database);
    await migrate(bench, database, "006", "007");
    bench.progress(`loading ${count(vectors)} vectors to roll back`);
    await loadVectors(database, vectors, "agent");
    await indexWithMemory(database);
    await database.asOwner((session) => session.exec("DROP SCHEMA bench CASCADE"));
    await migrate(bench, database, "008");

    bench.progress("rolling back");
    const steps: Record<string, number> = {};
    for (const version of NEWEST_FIRST)
      steps[version] = (await timed(() => rollBack(bench, database, version))).ms;
    const proof = await timed(() => read(database));
    const found = [
      ...differences(before.catalog, proof.value.catalog).map(
        ({ kind, name, change }) => `${kind} ${name} ${change}`,
      ),
      ...compareContents(before.contents, proof.value.contents).map(({ text }) => text),
    ];
    await bench.drop(database);
    const ms = Object.values(steps).reduce((sum, step) => sum + step, 0);
    const all = ms + proof.ms;
    return [
      {
        what: `rollback of 008, 007, 006 with ${count(rows)} rows and ${count(vectors)} vectors, proof included`,
        asWritten: written,
        ours: `${duration(all)}, ${found.length === 0 ? "proven back" : `NOT BACK: ${found.slice(0, 3).join("; ")}`}`,
        target: "under 10 s, proven back",
        reached: all < 10_000 && found.length === 0,
        note: `${NEWEST_FIRST.map((version) => `${version} ${duration(steps[version] ?? Number.NaN)}`).join(", ")}; reading the fingerprint and every table's checksum to prove it ${duration(proof.ms)}.`,
        figures: { steps, proofMs: proof.ms, differences: found },
      },
    ];
  },
};

async function asWritten(bench: Bench): Promise<string> {
  const database = await bench.copyOf(await bench.baseline({ events: 1000, agents: 1000 }));
  try {
    return await database.asOwner(async (session) => {
      await session.exec(AS_MIGRATED);
      try {
        await session.exec(AS_WRITTEN);
        return "works";
      } catch (error) {
        return isPostgresError(error) ? `fails (${error.code}: ${error.message})` : String(error);
      }
    });
  } finally {
    await bench.drop(database);
  }
}

async function read(database: Database): Promise<{ catalog: Fingerprint; contents: TableContent[] }> {
  return await database.asOwner(async (session) => {
    const catalog = await takeFingerprint(session);
    const contents = [];
    for (const { table, columns } of await listTables(session))
      contents.push(await takeTableContent(session, table, columns, "full"));
    return { catalog, contents };
  });
}
