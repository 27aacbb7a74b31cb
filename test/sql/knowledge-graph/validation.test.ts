import { describe, expect, test } from "vitest";
import { createBaseline, failures, planSql, run, VERSIONS, validate } from "./database.ts";

describe.each(["uuid", "varchar"] as const)("where agent ids are %s", (agentId) => {
  test("every check passes after its own migration and after all, on an empty and on a filled database", async () => {
    const db = await createBaseline({ agentId, agents: 0, events: 0, others: 0 });
    const migrateAndValidate = async () => {
      for (const version of VERSIONS) {
        await run(db, version, "migrate");
        expect(failures(await validate(db, version))).toEqual([]);
      }
      for (const version of VERSIONS) expect(failures(await validate(db, version))).toEqual([]);
    };
    await migrateAndValidate();
    for (const version of [...VERSIONS].reverse()) await run(db, version, "rollback");

    await db.exec(
      "SET sluice.baseline_agents = 20; SET sluice.baseline_events = 50; SET sluice.baseline_others = 5",
    );
    await db.exec(planSql("baseline/data.sql"));
    await migrateAndValidate();
    await db.exec("SET sluice.baseline_capabilities = 60; SET sluice.baseline_relationships = 60");
    await db.exec(planSql("baseline/embeddings.sql"));
    for (const version of VERSIONS) expect(failures(await validate(db, version))).toEqual([]);
    await db.close();
  });
});
