import { describe, expect, test } from "vitest";
import { createBaseline, failures, planSql, run, VERSIONS, validate } from "./database.ts";

describe.each(["uuid", "varchar"] as const)("where agent ids are %s", (agentId) => {
  test.each([
    ["an empty", { agents: 0, events: 0, others: 0 }],
    ["a filled", {}],
  ])("on %s database every check passes after its own migration and after all of them", async (_, rows) => {
    const db = await createBaseline({ agentId, ...rows });
    for (const version of VERSIONS) {
      await run(db, version, "migrate");
      expect(failures(await validate(db, version))).toEqual([]);
    }
    await db.exec("SET sluice.baseline_capabilities = 60; SET sluice.baseline_relationships = 60");
    await db.exec(planSql("baseline/embeddings.sql"));
    for (const version of VERSIONS) expect(failures(await validate(db, version))).toEqual([]);
    await db.close();
  });
});
